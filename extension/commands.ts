import type { App } from "./app.ts";
import { askCommand, explainCommand } from "./commands/answer.ts";
import { editCommand } from "./commands/edit.ts";
import { getEngine } from "./commands/getEngine.ts";
import { copyHttpAccess, rotateHttpKey } from "./commands/http.ts";
import { checkMachine } from "./commands/machine.ts";
import { menu, setApiKey } from "./commands/manage.ts";
import { modelCommand } from "./commands/models.ts";
import { restart } from "./commands/restart.ts";
import type { CommandId } from "./ids.ts";

export type Handler = (argument: unknown) => Promise<void> | void;

/** Every command there is, and what it does. */
export function commandTable(app: App): Readonly<Record<CommandId, Handler>> {
  return {
    "tandem.docstring": editCommand(app, "docstring"),
    "tandem.explain": explainCommand(app),
    "tandem.refactor": editCommand(app, "refactor"),
    "tandem.fix": editCommand(app, "fix"),
    "tandem.test": editCommand(app, "test"),
    "tandem.implement": editCommand(app, "implement"),
    "tandem.ask": askCommand(app),
    "tandem.acceptEdit": () => app.reviews.accept(),
    "tandem.rejectEdit": () => app.reviews.reject(),
    "tandem.acceptNow": () => app.tasks.acceptNow(),
    "tandem.cancel": () => app.tasks.cancelAll(),
    "tandem.menu": () => menu(app),
    "tandem.restart": () => restart(app),
    "tandem.showLog": () => app.output.show(),
    "tandem.setApiKey": () => setApiKey(app),
    "tandem.copyHttpAccess": () => copyHttpAccess(app),
    "tandem.rotateHttpKey": () => rotateHttpKey(app),
    "tandem.showSidebar": () => app.sidebar.reveal(),
    "tandem.refreshSidebar": () => app.sidebar.refresh(),
    "tandem.loadModel": modelCommand(app, "load"),
    "tandem.unloadModel": modelCommand(app, "unload"),
    "tandem.pinModel": modelCommand(app, "pin"),
    "tandem.resetEngine": modelCommand(app, "reset"),
    "tandem.checkMachine": () => checkMachine(app),
    "tandem.getEngine": () => getEngine(app),
  };
}
