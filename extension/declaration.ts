const DECLARES = new RegExp(
  [
    String.raw`\b(function|def|fn|func|fun|sub|class|interface|struct|impl|trait|enum|record|module)\b\s*[\w$<(*]`,
    String.raw`=\s*(async\s*)?(\([^)]*\)|[\w$]+)\s*(:[^=]+)?=>`,
    String.raw`^\s*((public|private|protected|internal|static|final|async|override|abstract|virtual|get|set|const|inline|export)\s+)*[\w$<>[\]*&:,?]*\s*[\w$#~]+\s*\([^;]*\)\s*(:\s*[^;{]+)?(const\s*)?\{?\s*$`,
  ].join("|"),
);
const STATEMENT = /^\s*(if|else|for|foreach|while|switch|catch|return|await|throw|do|try|using|with|elif|when|match)\b/;

/** Whether a line looks like the head of a declaration, in any C-like language, Python, Ruby, Go or Rust. A guess, and cheap. */
export function looksLikeDeclaration(line: string): boolean {
  const code = line.replace(/(\/\/|#\s).*$/, "");
  return code.length <= 500 && !STATEMENT.test(code) && DECLARES.test(code);
}
