import type { GrammarTable, Rule } from "./grammarTable.ts";
import { STRICT_PYTHON, STRICT_RUBY, STRICT_SCRIPT } from "./strict.ts";

const COMMENT = new Set(["comment"]);
const NONE: ReadonlySet<string> = new Set();
const JSDOC = /^\/\*\*(?!\/)/;

const FUNCTION = rule("function", "name", "body");
const METHOD = rule("method", "name", "body");
const CLASS = rule("class", "name", "body");
const OTHER = rule("other", "name", "body");

/** JavaScript, TypeScript and TSX: the names of their nodes agree. */
export const SCRIPT: GrammarTable = {
  rules: {
    ...each("function_declaration generator_function_declaration function_signature", FUNCTION),
    ...each("method_definition method_signature abstract_method_signature", METHOD),
    ...each("class_declaration abstract_class_declaration interface_declaration", CLASS),
    ...each("enum_declaration internal_module module", OTHER),
    type_alias_declaration: rule("other", "name", "value"),
    ...each("variable_declarator public_field_definition", valued("name")),
    field_definition: valued("property"),
    pair: valued("key"),
    assignment_expression: valued("left"),
    export_statement: { ...valued(""), fixedName: "default" },
  },
  values: {
    ...each("arrow_function function_expression generator_function", "function"),
    class: "class",
  },
  wrappers: new Set([
    ...["export_statement", "ambient_declaration", "expression_statement"],
    ...["lexical_declaration", "variable_declaration"],
  ]),
  marks: new Set(["decorator"]),
  comments: COMMENT,
  doc: JSDOC,
  bodies: "delimited",
  strict: STRICT_SCRIPT,
};

export const PYTHON: GrammarTable = {
  rules: { function_definition: FUNCTION, class_definition: CLASS, assignment: valued("left") },
  values: { lambda: "function" },
  wrappers: new Set(["decorated_definition", "expression_statement"]),
  marks: NONE,
  comments: COMMENT,
  doc: null,
  bodies: "lines",
  strict: STRICT_PYTHON,
};

export const GO: GrammarTable = {
  rules: {
    function_declaration: FUNCTION,
    ...each("method_declaration method_elem", METHOD),
    type_spec: rule("class", "name", "type"),
    type_alias: rule("other", "name", "type"),
    var_spec: valued("name"),
    short_var_declaration: valued("left"),
  },
  values: { func_literal: "function" },
  wrappers: new Set(["type_declaration", "var_declaration"]),
  marks: NONE,
  comments: COMMENT,
  doc: /^\/[/*]/,
  bodies: "delimited",
  strict: null,
};

export const RUST: GrammarTable = {
  rules: {
    ...each("function_item function_signature_item", FUNCTION),
    ...each("struct_item union_item trait_item", CLASS),
    impl_item: rule("class", "type", "body"),
    ...each("enum_item mod_item macro_definition type_item", OTHER),
    let_declaration: valued("pattern"),
  },
  values: { closure_expression: "function" },
  wrappers: NONE,
  marks: new Set(["attribute_item"]),
  comments: new Set(["line_comment", "block_comment"]),
  doc: /^\/\/\/(?!\/)|^\/\*\*(?!\/)/,
  bodies: "delimited",
  strict: null,
};

export const JAVA: GrammarTable = {
  rules: {
    ...each("method_declaration constructor_declaration compact_constructor_declaration", METHOD),
    ...each("class_declaration interface_declaration record_declaration annotation_type_declaration", CLASS),
    enum_declaration: OTHER,
    variable_declarator: valued("name"),
  },
  values: { lambda_expression: "function" },
  wrappers: new Set(["field_declaration", "local_variable_declaration"]),
  marks: NONE,
  comments: new Set(["line_comment", "block_comment"]),
  doc: JSDOC,
  bodies: "delimited",
  strict: null,
};

/** C++, and C by the same grammar. */
export const CPP: GrammarTable = {
  rules: {
    function_definition: rule("function", "declarator", "body"),
    ...each("declaration field_declaration", { ...rule("function", "declarator", ""), when: "prototype" }),
    ...each("class_specifier struct_specifier union_specifier", { ...CLASS, when: "body" }),
    enum_specifier: { ...OTHER, when: "body" },
    namespace_definition: OTHER,
    init_declarator: valued("declarator"),
  },
  values: { lambda_expression: "function" },
  wrappers: new Set(["template_declaration", "type_definition", "declaration"]),
  marks: NONE,
  comments: COMMENT,
  doc: /^\/[/*]/,
  bodies: "delimited",
  strict: null,
};

export const C_SHARP: GrammarTable = {
  rules: {
    ...each("method_declaration constructor_declaration destructor_declaration", METHOD),
    operator_declaration: rule("method", "operator", "body"),
    conversion_operator_declaration: rule("method", "type", "body"),
    local_function_statement: FUNCTION,
    ...each("class_declaration struct_declaration interface_declaration record_declaration", CLASS),
    ...each("enum_declaration namespace_declaration delegate_declaration", OTHER),
    property_declaration: rule("other", "name", "accessors value"),
    variable_declarator: valued("name"),
  },
  values: { ...each("lambda_expression anonymous_method_expression", "function") },
  wrappers: new Set(["variable_declaration", "field_declaration", "local_declaration_statement"]),
  marks: NONE,
  comments: COMMENT,
  doc: /^\/\/\/(?!\/)|^\/\*\*(?!\/)/,
  bodies: "delimited",
  strict: null,
};

export const RUBY: GrammarTable = {
  rules: { method: FUNCTION, singleton_method: METHOD, class: CLASS, module: CLASS, assignment: valued("left") },
  values: { lambda: "function" },
  wrappers: NONE,
  marks: NONE,
  comments: COMMENT,
  doc: /^#(?!!)/,
  bodies: "end",
  strict: STRICT_RUBY,
};

export const PHP: GrammarTable = {
  rules: {
    function_definition: FUNCTION,
    method_declaration: METHOD,
    ...each("class_declaration interface_declaration trait_declaration", CLASS),
    ...each("enum_declaration namespace_definition", OTHER),
    assignment_expression: valued("left"),
  },
  values: { ...each("anonymous_function arrow_function", "function") },
  wrappers: new Set(["expression_statement"]),
  marks: NONE,
  comments: COMMENT,
  doc: JSDOC,
  bodies: "delimited",
  strict: null,
};

export const SHELL: GrammarTable = {
  rules: { function_definition: FUNCTION },
  values: {},
  wrappers: NONE,
  marks: NONE,
  comments: COMMENT,
  doc: /^#(?!!)/,
  bodies: "delimited",
  strict: null,
};

export const POWERSHELL: GrammarTable = {
  rules: {
    function_statement: rule("function", "function_name", ""),
    class_statement: rule("class", "simple_name", ""),
    class_method_definition: rule("method", "simple_name", ""),
    enum_statement: rule("other", "simple_name", ""),
  },
  values: {},
  wrappers: NONE,
  marks: NONE,
  comments: COMMENT,
  doc: /^(<#|#(?!!))/,
  bodies: "delimited",
  strict: null,
};

export const CSS: GrammarTable = {
  rules: {
    rule_set: rule("other", "selectors", "block"),
    media_statement: { ...rule("other", "", "block"), fixedName: "@media" },
    keyframes_statement: rule("other", "keyframes_name", "keyframe_block_list"),
  },
  values: {},
  wrappers: NONE,
  marks: NONE,
  comments: COMMENT,
  doc: /^\/\*/,
  bodies: "delimited",
  strict: null,
};

function rule(kind: Rule["kind"], name: string, body: string): Rule {
  return { kind, name: words(name), body: words(body), when: "always" };
}

function valued(name: string): Rule {
  return { kind: "function", name: words(name), body: [], when: "value" };
}

function each<T>(types: string, value: T): Record<string, T> {
  return Object.fromEntries(words(types).map((it) => [it, value]));
}

function words(list: string): string[] {
  return list.split(" ").filter((it) => it !== "");
}
