import { type Case, check } from "./damaging.ts";

const CLASS = `import { z } from "./z.ts";

export class Cart {
  items = [];

  add(item) {
    this.items.push(item);
  }

  private async total‸(): Promise<number> {
    throw new Error("not implemented");
  }
}
`;
const TOTAL = "private async total(): Promise<number> {\n  return 1;\n}";
const FUNCTION = `import { z } from "./z.ts";

export function a() {
  return z;
}

export function b‸() {
  return a();
}
`;
const B = "export function b() {\n  return 2;\n}";
const ts = { language: "typescript", action: "fix" } as const;
const PYTHON = `import os


def a():
    return 1


class Cart:
    @cached
    def total‸(self):
        pass
`;
const py = { language: "python", action: "implement", text: PYTHON } as const;
const RUST = `use std::fmt;

pub struct P;

impl P {
    #[inline]
    pub fn f‸(&self) -> i32 {
        todo!()
    }
}
`;
const rust = { language: "rust", action: "implement", text: RUST } as const;
const GO = `package main

import "fmt"

func A() { fmt.Println() }

func B‸() int {
	panic("not implemented")
}
`;
const JAVA = `package x;

class A {
  @Override
  public static int f‸() {
    return 1;
  }
}
`;

const WHOLE: readonly Case[] = [
  { ...ts, name: "the target alone", text: CLASS, code: TOTAL, want: null },
  { ...ts, name: "the target with a helper", text: FUNCTION, code: `function c() {}\n\n${B}`, want: null },
  {
    ...ts,
    name: "the whole file without its imports",
    text: FUNCTION,
    code: `export function a() {\n  return z;\n}\n\n${B}`,
    want: /repeats a, which the file has already: only b was asked for/,
  },
  {
    ...ts,
    name: "the whole file",
    text: FUNCTION,
    code: `import { z } from "./z.ts";\n\nexport function a() {\n  return z;\n}\n\n${B}`,
    want: /brings imports along.*only b was asked for/,
  },
  {
    ...py,
    name: "wrapped in its class",
    code: "class Cart:\n    @cached\n    def total(self):\n        return 1",
    want: /wraps total/,
  },
  {
    ...py,
    name: "with an import",
    code: "import os\n\n@cached\ndef total(self):\n    return 1",
    want: /imports along/,
  },
  {
    ...py,
    name: "with an import inside",
    code: "@cached\ndef total(self):\n    import os\n    return os.sep",
    want: null,
  },
  { ...py, name: "the target alone", code: "@cached\ndef total(self):\n    return 1", want: null },
  {
    ...rust,
    name: "wrapped in its impl",
    code: "impl P {\n    #[inline]\n    pub fn f(&self) -> i32 {\n        1\n    }\n}",
    want: /wraps f/,
  },
  {
    ...rust,
    name: "with a use",
    code: "use std::fmt;\n\n#[inline]\npub fn f(&self) -> i32 {\n    1\n}",
    want: /imports along/,
  },
  {
    language: "go",
    action: "implement",
    text: GO,
    name: "with its package",
    code: 'package main\n\nimport "fmt"\n\nfunc B() int {\n\treturn 1\n}',
    want: /imports along.*only B/,
  },
  { language: "go", action: "implement", text: GO, name: "alone", code: "func B() int {\n\treturn 1\n}", want: null },
  {
    language: "java",
    action: "fix",
    text: JAVA,
    name: "wrapped in its class",
    code: "class A {\n  @Override\n  public static int f() {\n    return 2;\n  }\n}",
    want: /wraps f|repeats A/,
  },
  {
    ...ts,
    action: "implement",
    instruction: "write c",
    name: "new code and all of the old",
    text: "export function a() {\n  return 1;\n}\n\n‸\n",
    code: "export function a() {\n  return 1;\n}\n\nfunction c() {}",
    want: /repeats a,.*only what is new/,
  },
  {
    ...ts,
    name: "wrapped in its class",
    text: CLASS,
    code: `export class Cart {\n  ${TOTAL}\n}`,
    want: /wraps total in other code/,
  },
  {
    ...ts,
    name: "all of a class's file",
    text: CLASS,
    code: `import { z } from "./z.ts";\n\nexport class Cart {\n  ${TOTAL}\n}`,
    want: /wraps total in other code/,
  },
  {
    ...rust,
    name: "another impl inside",
    code: "#[inline]\npub fn f(&self) -> i32 {\n    struct Q;\n    impl Q {}\n    1\n}",
    want: null,
  },
];

const MODIFIERS: readonly Case[] = [
  { ...ts, name: "export", text: FUNCTION, code: "function b() {\n  return 2;\n}", want: /drops `export` of b/ },
  {
    ...ts,
    name: "export, as asked",
    instruction: "do not export b",
    text: FUNCTION,
    code: "function b() {\n  return 2;\n}",
    want: null,
  },
  {
    ...ts,
    name: "two at once",
    text: CLASS,
    code: "total(): Promise<number> {\n  return 1;\n}",
    want: /drops `private`, `async` of total/,
  },
  {
    ...ts,
    name: "async of a constant",
    text: "const f‸ = async () => 1;\n",
    code: "const f = () => 2;",
    want: /drops `async`/,
  },
  {
    ...ts,
    name: "get",
    text: "class A {\n  get f‸() {\n    return 1;\n  }\n}\n",
    code: "f() {\n  return 2;\n}",
    want: /drops `get`/,
  },
  {
    ...ts,
    name: "a decorator",
    text: 'class A {\n  @Get("/export")\n  f‸() {\n    return 1;\n  }\n}\n',
    code: "f() {\n  return 2;\n}",
    want: /drops `@Get` of f/,
  },
  {
    ...ts,
    name: "what a decorator says is no modifier",
    text: 'class A {\n  @Get("/export")\n  f‸() {\n    return 1;\n  }\n}\n',
    code: '@Get("/x")\nf() {\n  return 2;\n}',
    want: null,
  },
  {
    ...ts,
    name: "more of them",
    text: "function f‸() {\n  return 1;\n}\n",
    code: "export async function f() {\n  return 2;\n}",
    want: null,
  },
  { ...py, name: "a decorator", code: "def total(self):\n    return 1", want: /drops `@cached`/ },
  { ...rust, name: "pub and an attribute", code: "fn f(&self) -> i32 {\n    1\n}", want: /drops `pub`, `#\[inline\]`/ },
  {
    language: "java",
    action: "fix",
    text: JAVA,
    name: "all",
    code: "int f() {\n  return 2;\n}",
    want: /drops `public`, `static`, `@Override`/,
  },
  {
    ...ts,
    name: "export in a line of its own",
    text: FUNCTION,
    code: "function b() {\n  return 2;\n}\n\nexport { b };",
    want: null,
  },
  {
    ...ts,
    name: "a default export in a line of its own",
    text: "export default function b‸() {\n  return 1;\n}\n",
    code: "function b() {\n  return 2;\n}\n\nexport default b;",
    want: null,
  },
  {
    ...ts,
    name: "the export of another",
    text: FUNCTION,
    code: "function b() {\n  return 2;\n}\n\nexport { c };",
    want: /drops `export`/,
  },
];

for (const it of [...WHOLE, ...MODIFIERS]) check(it);
