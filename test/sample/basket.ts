export interface Item {
  name: string;
  price: number;
  amount: number;
}

export class Basket {
  private readonly items: Item[] = [];

  add(item: Item): void {
    this.items.push(item);
  }

  total(): number {
    return this.items.reduce((sum, item) => sum + item.price * item.amount, 0);
  }

  count(): number {
    return this.items.reduce((sum, item) => sum + item.amount, 0);
  }
}
