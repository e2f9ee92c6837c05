// Loads the client of the extension with stand-ins for what the editor brings, and says what it does.
"use strict";
const Module = require("module");
const said = [];
const commands = {};
class Client {
    constructor(id, name, server, options) {
        said.push(`client ${id}: ${server.run.command} ${server.run.args.join(" ")} ${JSON.stringify(options)}`);
    }
    async start() {
        said.push("started");
    }
    async stop() {
        said.push("stopped");
    }
}
const values = { path: "/opt/aethel", proofs: false };
const vscode = {
    workspace: {
        getConfiguration: () => ({ get: (name, otherwise) => values[name] ?? otherwise }),
        onDidChangeConfiguration: () => ({}),
        openTextDocument: async () => ({ isDirty: true, save: async () => (said.push("saved"), true) }),
        getWorkspaceFolder: () => undefined,
    },
    window: { showErrorMessage: async (message) => void said.push(message) },
    commands: { registerCommand: (name, command) => ((commands[name] = command), {}) },
    tasks: { executeTask: async (task) => void said.push(`task ${task.name}: ${task.execution.join(" ")}`) },
    Uri: { parse: (uri) => ({ scheme: uri.split(":")[0], fsPath: uri.replace("file://", "") }) },
    ProcessExecution: class {
        constructor(program, args) {
            return [program, ...args];
        }
    },
    Task: class {
        constructor(_kind, _scope, name, _source, execution) {
            this.name = name;
            this.execution = execution;
        }
    },
    TaskScope: { Workspace: 2 },
};
const load = Module._load;
Module._load = (name, ...rest) => {
    if (name === "vscode") return vscode;
    if (name === "vscode-languageclient/node") return { LanguageClient: Client };
    return load(name, ...rest);
};
(async () => {
    const extension = require(process.argv[2]);
    await extension.activate({ subscriptions: [] });
    said.push(Object.keys(commands).sort().join(" "));
    await commands["aethel.run"]({ uri: "file:///books/a b.ae", batch: "wages; rm" });
    await commands["aethel.run"]({ uri: "untitled:a" });
    await commands["aethel.restart"]();
    await extension.deactivate();
    console.log(said.join("\n"));
})();
