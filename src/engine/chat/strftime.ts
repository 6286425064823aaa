// A moment written as Python's `strftime` does, in English whatever the machine's language is: models were taught so.

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** Writes the local time of `date`. What is no directive of Python's stays as it is; `-` after the percent sign leaves leading zeros out. */
export function strftime(date: Date, format: string): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const month = MONTHS[date.getMonth()] as string;
  const day = DAYS[date.getDay()] as string;
  const hour = date.getHours();
  const written: Record<string, () => string> = {
    Y: () => String(date.getFullYear()),
    y: () => two(date.getFullYear() % 100),
    m: () => two(date.getMonth() + 1),
    B: () => month,
    b: () => month.slice(0, 3),
    d: () => two(date.getDate()),
    A: () => day,
    a: () => day.slice(0, 3),
    H: () => two(hour),
    I: () => two(hour % 12 || 12),
    p: () => (hour < 12 ? 'AM' : 'PM'),
    M: () => two(date.getMinutes()),
    S: () => two(date.getSeconds()),
    '%': () => '%',
  };
  return format.replace(/%(-?)([A-Za-z%])/g, (all, bare: string, name: string) => {
    const text = written[name]?.();
    return text === undefined ? all : bare === '' ? text : text.replace(/^0+(?=\d)/, '');
  });
}
