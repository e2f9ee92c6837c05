// The client of `aethel lsp`: starts it, and runs batches when the line above one is clicked.
"use strict";

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

function settings() {
    return vscode.workspace.getConfiguration("aethel");
}

async function start() {
    const run = { command: settings().get("path", "aethel"), args: ["lsp"] };
    client = new LanguageClient(
        "aethel",
        "Aethel",
        { run, debug: run },
        {
            documentSelector: [{ language: "aethel" }],
            initializationOptions: { proofs: settings().get("proofs", true), run: true },
            synchronize: { configurationSection: "aethel" },
        },
    );
    try {
        await client.start();
    } catch (error) {
        client = undefined;
        const answer = await vscode.window.showErrorMessage(
            `Aethel's language server does not start: ${error.message}. The setting aethel.path says where it is.`,
            "Open Settings",
        );
        if (answer) {
            await vscode.commands.executeCommand("workbench.action.openSettings", "aethel.path");
        }
    }
}

async function stop() {
    const old = client;
    client = undefined;
    if (old) {
        await old.stop();
    }
}

async function restart() {
    await stop();
    await start();
}

// Runs a program, or one batch of it, in a terminal: a run moves value, so people see it and can stop it. The arguments
// go to the program as they are, without a shell that could take a part of a name for something else.
async function run(target) {
    const uri = target && target.uri ? vscode.Uri.parse(target.uri) : vscode.window.activeTextEditor?.document.uri;
    if (!uri || uri.scheme !== "file") {
        await vscode.window.showErrorMessage("Save the program as a file first, then it can be run.");
        return;
    }
    const document = await vscode.workspace.openTextDocument(uri);
    if (document.isDirty && !(await document.save())) {
        return;
    }
    const args = ["run", uri.fsPath];
    if (target && target.batch) {
        args.push("--batch", target.batch);
    }
    const folder = vscode.workspace.getWorkspaceFolder(uri);
    const options = folder ? { cwd: folder.uri.fsPath } : undefined;
    const execution = new vscode.ProcessExecution(settings().get("path", "aethel"), args, options);
    const scope = folder ?? vscode.TaskScope.Workspace;
    const name = target && target.batch ? `run ${target.batch}` : "run";
    const task = new vscode.Task({ type: "aethel" }, scope, name, "aethel", execution);
    await vscode.tasks.executeTask(task);
}

async function activate(context) {
    context.subscriptions.push(
        vscode.commands.registerCommand("aethel.run", run),
        vscode.commands.registerCommand("aethel.runHere", () => run(undefined)),
        vscode.commands.registerCommand("aethel.restart", restart),
        vscode.workspace.onDidChangeConfiguration((event) =>
            event.affectsConfiguration("aethel.path") ? restart() : undefined,
        ),
    );
    await start();
}

module.exports = { activate, deactivate: stop };
