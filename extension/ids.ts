/** Every command the extension registers; package.json declares exactly these. */
export const commandIds = [
  "tandem.docstring",
  "tandem.explain",
  "tandem.refactor",
  "tandem.fix",
  "tandem.test",
  "tandem.implement",
  "tandem.ask",
  "tandem.acceptEdit",
  "tandem.rejectEdit",
  "tandem.acceptNow",
  "tandem.cancel",
  "tandem.menu",
  "tandem.restart",
  "tandem.showLog",
  "tandem.setApiKey",
  "tandem.copyHttpAccess",
  "tandem.rotateHttpKey",
  "tandem.showSidebar",
  "tandem.refreshSidebar",
  "tandem.loadModel",
  "tandem.unloadModel",
  "tandem.pinModel",
  "tandem.resetEngine",
  "tandem.checkMachine",
  "tandem.getEngine",
] as const;
export type CommandId = (typeof commandIds)[number];

/** Every setting the extension reads; package.json declares exactly these. */
export const settingKeys = [
  "tandem.draft.endpoint",
  "tandem.draft.model",
  "tandem.draft.device",
  "tandem.audit.endpoint",
  "tandem.audit.model",
  "tandem.audit.device",
  "tandem.embed.endpoint",
  "tandem.embed.model",
  "tandem.embed.device",
  "tandem.low.endpoint",
  "tandem.low.model",
  "tandem.low.device",
  "tandem.high.endpoint",
  "tandem.high.model",
  "tandem.high.device",
  "tandem.cloud.endpoint",
  "tandem.cloud.model",
  "tandem.cloud.tiers",
  "tandem.cloud.when",
  "tandem.cloud.keepLocal",
  "tandem.llamaServer",
  "tandem.auditWhen",
  "tandem.auditSeconds",
  "tandem.repair",
  "tandem.rules",
  "tandem.maxTokens",
  "tandem.timeoutSeconds",
  "tandem.connectTimeoutSeconds",
  "tandem.firstTokenTimeoutSeconds",
  "tandem.idleTimeoutSeconds",
  "tandem.logLevel",
  "tandem.http.enabled",
  "tandem.http.port",
] as const;
export type SettingKey = (typeof settingKeys)[number];

/**
 * What only the user may set, and no workspace: where text goes, and what may go there. package.json says so too; here it holds whatever an
 * editor makes of that.
 */
export const userOnly: ReadonlySet<string> = new Set<SettingKey>([
  "tandem.draft.endpoint",
  "tandem.audit.endpoint",
  "tandem.embed.endpoint",
  "tandem.low.endpoint",
  "tandem.high.endpoint",
  "tandem.cloud.endpoint",
  "tandem.cloud.model",
  "tandem.cloud.tiers",
  "tandem.cloud.when",
]);

/** Languages whose files make the light bulb and the status item appear; commands work in every text. */
export const languageIds = [
  "typescript",
  "typescriptreact",
  "javascript",
  "javascriptreact",
  "python",
  "go",
  "rust",
  "java",
  "c",
  "cpp",
  "csharp",
  "php",
  "ruby",
  "shellscript",
  "powershell",
] as const;

/** Context keys that menus and key bindings test. */
export const contextKeys = {
  isReviewing: "tandem.isReviewing",
  isBusy: "tandem.isBusy",
  isAuditing: "tandem.isAuditing",
} as const;

/** Scheme of the read-only documents that show a proposal. */
export const previewScheme = "tandem-preview";

/** Scheme of the read-only documents that tell all of a decision. */
export const accountScheme = "tandem-decision";

/** Scheme of the read-only document that tells of this machine. */
export const machineScheme = "tandem-machine";

/** The view in the activity bar. */
export const sidebarView = "tandem.sidebar";
