// The protobuf wire format, as little of it as editing an ONNX graph needs: fields are found, kept as bytes and put together
// again (protobuf.dev/programming-guides/encoding). Knows no message by name.

/** A field of a message. */
export interface Field {
  number: number;
  /** Wire type: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes. */
  wire: number;
  /** The value of a varint; 0 otherwise. */
  value: number;
  /** What a field of wire type 2 holds; a view, not a copy. */
  bytes: Uint8Array;
  /** The whole field, tag and length included; a view. */
  whole: Uint8Array;
}

/**
 * The fields of a message, in order.
 * @throws RangeError where the bytes are not a message
 */
export function fields(message: Uint8Array): Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++];
      if (byte === undefined || shift > 63)
        throw new RangeError(`not a protobuf message: a number runs past byte ${at}`);
      value += (byte & 0x7f) * 2 ** shift; // exact up to 2^53, and no length is larger
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const start = at;
    const tag = varint();
    const wire = tag % 8;
    let value = 0;
    let from = at;
    if (wire === 0) value = varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint();
      from = at;
      at += length;
    } else throw new RangeError(`not a protobuf message: wire type ${wire} at byte ${start}`);
    if (tag < 8) throw new RangeError(`not a protobuf message: a field without a number at byte ${start}`);
    if (at > message.length)
      throw new RangeError(`not a protobuf message: a field ends at byte ${at} of ${message.length}`);
    found.push({
      number: Math.floor(tag / 8),
      wire,
      value,
      bytes: message.subarray(from, at),
      whole: message.subarray(start, at),
    });
  }
  return found;
}

const decoder = new TextDecoder();

/** A field of wire type 2. */
export function lengthField(number: number, bytes: Uint8Array): Uint8Array {
  return concat([varintBytes(number * 8 + 2), varintBytes(bytes.length), bytes]);
}

/** A string field. */
export function stringField(number: number, text: string): Uint8Array {
  return lengthField(number, new TextEncoder().encode(text));
}

/** A field that holds a whole number from 0 up. @throws RangeError for any other */
export function varintField(number: number, value: number): Uint8Array {
  return concat([varintBytes(number * 8), varintBytes(value)]);
}

/** The text of a string field. @throws RangeError where it holds a number */
export function text(field: Field): string {
  return decoder.decode(bytesOf(field));
}

/** The fields of a message inside a field. @throws RangeError where there is none */
export function inside(field: Field): Field[] {
  return fields(bytesOf(field));
}

/** What a field of text, bytes or a message holds. @throws RangeError where it holds a number */
export function bytesOf({ number, wire, bytes }: Field): Uint8Array {
  if (wire !== 2)
    throw new RangeError(`not a protobuf message: field ${number} is a number where text or a message belongs`);
  return bytes;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function varintBytes(value: number): Uint8Array {
  if (!(value >= 0 && value < 2 ** 63)) throw new RangeError(`${value} cannot be written as a varint`);
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  bytes.push(value);
  return Uint8Array.from(bytes);
}
