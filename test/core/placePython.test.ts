import { type Case, check, fenced } from "./placing.ts";

const CASES: readonly Case[] = [
  {
    name: "stub pass",
    language: "python",
    action: "implement",
    text: `import os


def me‸dian(values):
    pass


def other():
    return 1
`,
    completion: `    s = sorted(values)
    if not s:
        return None

    return s[len(s) // 2]


def more():
    pass
`,
    want: `import os


def median(values):
    s = sorted(values)
    if not s:
        return None

    return s[len(s) // 2]


def other():
    return 1
`,
  },
  {
    name: "stub pass",
    language: "python",
    action: "implement",
    text: `import os


def me‸dian(values):
    pass


def other():
    return 1
`,
    chat: fenced(`def median(values):
    s = sorted(values)
    return s[len(s) // 2]`),
    want: `import os


def median(values):
    s = sorted(values)
    return s[len(s) // 2]


def other():
    return 1
`,
  },
  {
    name: "stub with docstring",
    language: "python",
    action: "implement",
    text: `def me‸dian(values):
    """Median."""
    raise NotImplementedError


x = 1
`,
    completion: `    return values[0]

x`,
    chat: fenced(`def median(values):
    """Median."""
    return values[0]`),
    want: `def median(values):
    """Median."""
    return values[0]


x = 1
`,
  },
  {
    name: "only a docstring",
    language: "python",
    action: "implement",
    text: `class A:
    def me‸dian(self, values):
        """Median.

        More.
        """

    def b(self):
        return 1
`,
    completion: `        return values[0]

    def c(self):`,
    chat: fenced(`def median(self, values):
    """Median.

    More.
    """
    return values[0]`),
    want: `class A:
    def median(self, values):
        """Median.

        More.
        """
        return values[0]

    def b(self):
        return 1
`,
  },
  {
    name: "stub on one line",
    language: "python",
    action: "implement",
    text: `def f‸(x): ...


y = 1
`,
    completion: `    return x * 2
`,
    chat: fenced(`def f(x):
    return x * 2`),
    want: `def f(x):
    return x * 2


y = 1
`,
  },
  {
    name: "fix decorated async method",
    language: "python",
    action: "fix",
    instruction: "return 2",
    text: `class A:
    @cached
    @log(level=1)
    async def fi‸nd(self, id):
        # look
        return 1

    x = 1
`,
    completion: `        return 2

    def`,
    chat: fenced(`    @cached
    @log(level=1)
    async def find(self, id):
        return 2`),
    want: `class A:
    @cached
    @log(level=1)
    async def find(self, id):
        return 2

    x = 1
`,
  },
  {
    name: "nested function",
    language: "python",
    action: "refactor",
    text: `def outer():
    def inn‸er(x):
        y = x
        return y

    return inner
`,
    completion: `        return x

    return inner`,
    chat: fenced(`def inner(x):
    return x`),
    want: `def outer():
    def inner(x):
        return x

    return inner
`,
  },
  {
    name: "python lambda",
    language: "python",
    action: "fix",
    text: `f‸oo = lambda x: x
y = 1
`,
    completion: `x + 1
`,
    chat: fenced("foo = lambda x: x + 1", "py"),
    want: `foo = lambda x: x + 1
y = 1
`,
  },
  {
    name: "python selection in function",
    language: "python",
    action: "refactor",
    text: `def f(xs):
    if xs:
«        out = []
        for x in xs:
            out.append(x)
»        return out
`,
    chat: fenced("out = [x for x in xs]", "py"),
    want: `def f(xs):
    if xs:
        out = [x for x in xs]
        return out
`,
  },
];
for (const it of CASES) check(it);
