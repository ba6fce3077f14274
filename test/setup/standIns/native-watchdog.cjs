// Stands in for @vscode/native-watchdog, which only doubles a poll that VS Code's extension host has anyway.
exports.start = () => {};
exports.exit = (code) => process.exit(code);
