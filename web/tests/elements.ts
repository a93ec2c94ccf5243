/** As much of a document as Preact needs to draw a panel; the focus leaves what is removed with `blur`, as in Chromium. */
class FakeNode extends EventTarget {
  childNodes: FakeNode[] = [];
  parentNode: FakeNode | null = null;
  readonly namespaceURI = "http://www.w3.org/1999/xhtml";
  readonly style = {};
  readonly attributes: Record<string, unknown> = {};
  value = "";
  checked = false;

  constructor(
    readonly ownerDocument: FakeDocument,
    readonly localName: string,
    readonly nodeType: number,
    public data = "",
  ) {
    super();
  }

  get firstChild(): FakeNode | null {
    return this.childNodes[0] ?? null;
  }

  get nextSibling(): FakeNode | null {
    const all = this.parentNode?.childNodes ?? [];
    return all[all.indexOf(this) + 1] ?? null;
  }

  set defaultValue(value: string) {
    this.value = value;
  }

  insertBefore(node: FakeNode, before: FakeNode | null): void {
    node.remove();
    const at = before === null ? this.childNodes.length : this.childNodes.indexOf(before);
    this.childNodes.splice(at, 0, node);
    node.parentNode = this;
  }

  remove(): void {
    const { parentNode: parent } = this;
    if (parent === null) return;
    parent.childNodes = parent.childNodes.filter((other) => other !== this);
    const { activeElement: focused } = this.ownerDocument;
    if (focused !== null && this.all().includes(focused)) focused.blur();
    this.parentNode = null;
  }

  setAttribute(name: string, value: unknown): void {
    this.attributes[name] = value;
  }

  removeAttribute(name: string): void {
    Reflect.deleteProperty(this.attributes, name);
  }

  focus(): void {
    this.ownerDocument.activeElement = this;
  }

  blur(): void {
    if (this.ownerDocument.activeElement !== this) return;
    this.ownerDocument.activeElement = null;
    this.dispatchEvent(new Event("blur"));
  }

  getContext(): null {
    return null;
  }

  all(): FakeNode[] {
    return [this, ...this.childNodes.flatMap((child) => child.all())];
  }

  part(testId: string): FakeNode {
    const found = this.all().find(({ attributes }) => attributes["data-testid"] === testId);
    if (found === undefined) throw new Error(`There is no ${testId}.`);
    return found;
  }

  /** Writes, and presses a key. */
  press(value: string, key: string): void {
    this.value = value;
    this.dispatchEvent(Object.assign(new Event("keydown"), { key, isComposing: false }));
  }
}

export class FakeDocument {
  activeElement: FakeNode | null = null;
  readonly body = new FakeNode(this, "body", 1);

  createElementNS(_: string, name: string): FakeNode {
    return new FakeNode(this, name, 1);
  }

  createTextNode(text: string): FakeNode {
    return new FakeNode(this, "", 3, text);
  }
}
