import { type Case, check, fenced } from "./placing.ts";

const CASES: readonly Case[] = [
  {
    name: "implement stub between functions",
    language: "typescript",
    action: "implement",
    text: `export function a(): number {
  return 1;
}

/** Median. */
export function me‸dian(values: number[]): number {
  throw new Error("not implemented");
}

export const z = 1;
`,
    completion: `  const s = [...values].sort((a, b) => a - b);
  return s[s.length >> 1] ?? 0;
}

export function other() {
`,
    want: `export function a(): number {
  return 1;
}

/** Median. */
export function median(values: number[]): number {
  const s = [...values].sort((a, b) => a - b);
  return s[s.length >> 1] ?? 0;
}

export const z = 1;
`,
  },
  {
    name: "implement stub between functions",
    language: "typescript",
    action: "implement",
    text: `export function a(): number {
  return 1;
}

/** Median. */
export function me‸dian(values: number[]): number {
  throw new Error("not implemented");
}

export const z = 1;
`,
    chat: fenced(`/** Median. */
export function median(values: number[]): number {
  return values[0] ?? 0;
}`),
    want: `export function a(): number {
  return 1;
}

/** Median. */
export function median(values: number[]): number {
  return values[0] ?? 0;
}

export const z = 1;
`,
  },
  {
    name: "implement one-line empty body",
    language: "typescript",
    action: "implement",
    text: `function f‸(x: number): number {}
const y = 2;
`,
    completion: `  return x * 2;
}`,
    chat: fenced(`function f(x: number): number {
  return x * 2;
}`),
    want: `function f(x: number): number {
  return x * 2;
}
const y = 2;
`,
  },
  {
    name: "method in class with tabs",
    language: "typescript",
    action: "implement",
    text: `export class A {
	private x = 1;

	/** Gets. */
	get‸It(): number {
		throw new Error("todo");
	}

	other(): void {}
}
`,
    completion: `		return this.x;
	}

	more() {}
}`,
    chat: fenced(`getIt(): number {
	return this.x;
}`),
    want: `export class A {
	private x = 1;

	/** Gets. */
	getIt(): number {
		return this.x;
	}

	other(): void {}
}
`,
  },
  {
    name: "decorated method",
    language: "typescript",
    action: "fix",
    instruction: "return 2",
    text: `class C {
  @Get("/x")
  @Log()
  async fi‸nd(id: string): Promise<number> {
    return 1;
  }
}
`,
    completion: `    return 2;
  }
`,
    chat: fenced(`  @Get("/x")
  @Log()
  async find(id: string): Promise<number> {
    return 2;
  }`),
    want: `class C {
  @Get("/x")
  @Log()
  async find(id: string): Promise<number> {
    return 2;
  }
}
`,
  },
  {
    name: "implement stub, same-named stub elsewhere",
    language: "typescript",
    action: "implement",
    text: `class A {
  run() {}
}
class B {
  ru‸n(): number {}
}
`,
    completion: `    return 2;
  }`,
    chat: fenced(`run(): number {
  return 2;
}`),
    want: `class A {
  run() {}
}
class B {
  run(): number {
    return 2;
  }
}
`,
  },
  {
    name: "class",
    language: "typescript",
    action: "implement",
    text: `export class Sta‸ck<T> {
}
`,
    completion: `  private items: T[] = [];

  push(x: T): void {
    this.items.push(x);
  }
}
`,
    want: `export class Stack<T> {
  private items: T[] = [];

  push(x: T): void {
    this.items.push(x);
  }
}
`,
  },
  {
    name: "class",
    language: "typescript",
    action: "implement",
    text: `export class Sta‸ck<T> {
}
`,
    chat: fenced(`export class Stack<T> {
  items = [];
}`),
    want: `export class Stack<T> {
  items = [];
}
`,
  },
  {
    name: "chat keeps indentation of the file but not of line 1",
    language: "typescript",
    action: "fix",
    text: `class A {
  fo‸o() {
    return 1;
  }
}
`,
    chat: fenced(`foo() {
    return 2;
  }`),
    want: `class A {
  foo() {
    return 2;
  }
}
`,
  },
  {
    name: "react component",
    language: "typescriptreact",
    action: "implement",
    text: `export function App‸() {
}
`,
    completion: `  return (
    <div className="a">
      Don't {"}"} <b>{x}</b>
    </div>
  );
}
`,
    want: `export function App() {
  return (
    <div className="a">
      Don't {"}"} <b>{x}</b>
    </div>
  );
}
`,
  },
  {
    name: "react component",
    language: "typescriptreact",
    action: "implement",
    text: `export function App‸() {
}
`,
    chat: fenced(`export function App() {
  return <div>Don't</div>;
}`),
    want: `export function App() {
  return <div>Don't</div>;
}
`,
  },
  {
    name: "allman",
    language: "typescript",
    action: "implement",
    text: `function f‸()
{
}
`,
    completion: `  return 1;
}`,
    chat: fenced(`function f()
{
  return 1;
}`),
    want: `function f()
{
  return 1;
}
`,
  },
];
for (const it of CASES) check(it);
