//! `aethel new`, and the recipes for continuous integration.

use crate::support::{Sandbox, root, snapshot};

/// The recipe of a page, by what stands behind its fence.
fn recipe(fence: &str) -> String {
    let page = std::fs::read_to_string(root().join("docs/ci.md")).unwrap();
    let start = format!("```{fence}\n");
    let rest = page.split_once(&start).unwrap_or_else(|| panic!("no {fence}")).1;
    rest.split_once("```\n").unwrap().0.to_owned()
}

/// What a parser of YAML makes of a file, as JSON.
fn yaml(sandbox: &Sandbox, file: &str) -> serde_json::Value {
    // The key `on` is a truth value in YAML 1.1, and no key of JSON.
    let script = format!(
        "python3 -c \"import yaml, json; print(json.dumps(yaml.load(open('{file}'), yaml.BaseLoader)))\""
    );
    sandbox.shell(&script).fine().json()
}

#[test]
fn a_new_project_works_at_once() {
    for template in ["payroll", "transfer", "exchange"] {
        let sandbox = Sandbox::new();
        sandbox.aethel(&["new", "first", "--template", template]).fine();
        let within = |command: &str| sandbox.shell(&format!("cd first && {command}"));
        within("aethel fmt --check").fine();
        within("aethel check --deny-warnings").fine();
        within("aethel test").fine().says("2 passed, 0 failed");
        within("aethel run first.ae").fine().says("committed · receipt");
        within("aethel graph first.ae").fine();
        // What the ledger leaves behind is nothing for git.
        let status = within("git init -q . && git status --porcelain --untracked-files=all").fine();
        assert!(!status.stdout.contains("redb"), "{status:?}");
        assert!(
            status.stdout.contains("first.ae") && status.stdout.contains(".gitignore"),
            "{status:?}"
        );
        for text in ["first.ae", "first.test.json", "README.md"] {
            assert!(
                !sandbox.read(&format!("first/{text}")).contains("{name}"),
                "{text}"
            );
        }
    }
}

#[test]
fn what_new_says_and_refuses() {
    let sandbox = Sandbox::new();
    let mut told = sandbox.aethel(&["new", "pay-day"]).fine().shown();
    sandbox.write("pay-day/pay-day.ae", "mine");
    sandbox.write("file", "");
    std::fs::create_dir(sandbox.file("empty")).unwrap();
    told += &sandbox
        .aethel(&["new", "empty", "--ci", "none", "--template", "transfer"])
        .fine()
        .shown();
    told += &sandbox
        .aethel(&["new", "below/one/two", "--ci", "gitlab"])
        .fine()
        .shown();
    assert!(sandbox.file("below/one/two/.gitlab-ci.yml").exists());
    let long = "x".repeat(65);
    for name in [
        "pay-day",
        "file",
        "file/below",
        ".",
        "..",
        "/",
        "",
        "1st",
        "a b",
        "a;b",
        "ü",
        "a\u{202e}b",
        "$(id)",
        &long,
    ] {
        told += &sandbox.aethel(&["new", name]).ends(2).shown();
    }
    assert_eq!(sandbox.read("pay-day/pay-day.ae"), "mine");
    assert_eq!(sandbox.list(""), ["below", "empty", "file", "pay-day"]);
    snapshot!("new", told);
}

#[test]
fn recipes_are_those_that_new_writes() {
    let sandbox = Sandbox::new();
    sandbox.aethel(&["new", "one"]).fine();
    assert_eq!(
        sandbox.read("one/.github/workflows/aethel.yml"),
        recipe("yaml github")
    );
    sandbox.aethel(&["new", "two", "--ci", "gitlab"]).fine();
    assert_eq!(sandbox.read("two/.gitlab-ci.yml"), recipe("yaml gitlab"));
}

/// Runs the steps of the recipe, but those that need the network; in a directory like the runner's.
#[test]
fn the_recipe_for_github_works() {
    let sandbox = Sandbox::new();
    sandbox.aethel(&["new", "one"]).fine();
    let recipe = yaml(&sandbox, "one/.github/workflows/aethel.yml");
    assert_eq!(recipe["on"], serde_json::json!(["push", "pull_request"]));
    let steps = recipe["jobs"]["aethel"]["steps"].as_array().unwrap();
    let run = |wrong: bool| {
        let mut told = String::new();
        for step in steps.iter().filter(|step| step["name"] != "Install") {
            let Some(script) = step["run"].as_str() else {
                continue;
            };
            let output = sandbox.shell(&format!("cd one && export GITHUB_ACTIONS=true && {script}"));
            assert_eq!(
                output.code,
                i32::from(wrong && step["name"] != "Layout"),
                "{output:?}"
            );
            told += &output.shown();
        }
        // What is handed over to the next step is there, and is SARIF.
        let upload = steps.iter().find(|step| !step["with"].is_null()).unwrap();
        let sarif = sandbox.read(&format!("one/{}", upload["with"]["sarif_file"].as_str().unwrap()));
        let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
        assert_eq!(sarif["version"], "2.1.0");
        let results = sarif["runs"][0]["results"].as_array().unwrap().len();
        (told, results)
    };
    let (_, none) = run(false);
    assert_eq!(none, 0);
    let wrong = sandbox
        .read("one/one.ae")
        .replace("employee.balance + amount;", "employee.balance + amount + 1;");
    sandbox.write("one/one.ae", wrong);
    let (told, some) = run(true);
    assert!(some > 0 && told.contains("::error file=one.ae,line="), "{told}");
    snapshot!("ci_github", told);
}

#[test]
fn the_recipe_for_gitlab_works() {
    let sandbox = Sandbox::new();
    sandbox.aethel(&["new", "two", "--ci", "gitlab"]).fine();
    let recipe = yaml(&sandbox, "two/.gitlab-ci.yml");
    let job = &recipe["aethel"];
    let wrong = sandbox
        .read("two/two.ae")
        .replace("employee.balance + amount;", "employee.balance + amount + 1;");
    sandbox.write("two/two.ae", wrong);
    let mut codes = Vec::new();
    for part in ["script", "after_script"] {
        for line in job[part].as_array().unwrap() {
            codes.push(
                sandbox
                    .shell(&format!("cd two && {}", line.as_str().unwrap()))
                    .code,
            );
        }
    }
    assert_eq!(codes, [0, 1, 1, 0]);
    let reports = &job["artifacts"]["reports"];
    assert!(
        sandbox
            .read(&format!("two/{}", reports["junit"].as_str().unwrap()))
            .contains("<failure type=\"AE1101\"")
    );
    let quality = sandbox.read(&format!("two/{}", reports["codequality"].as_str().unwrap()));
    let quality: serde_json::Value = serde_json::from_str(&quality).unwrap();
    let first = &quality[0];
    assert_eq!(first["check_name"], "value-created", "{quality:#}");
    assert_eq!(first["severity"], "major");
    assert_eq!(first["location"]["path"], "two.ae");
    assert!(first["location"]["lines"]["begin"].as_u64().unwrap() > 1);
    assert!(first["fingerprint"].as_str().unwrap().len() > 10);
}

/// The hooks as pre-commit would run them, and the plain hook of git, in a repository of its own.
#[test]
fn hooks_stop_a_wrong_commit() {
    let sandbox = Sandbox::new();
    sandbox.write(
        ".pre-commit-hooks.yaml",
        std::fs::read(root().join(".pre-commit-hooks.yaml")).unwrap(),
    );
    let hooks = yaml(&sandbox, ".pre-commit-hooks.yaml");
    let named = recipe("yaml pre-commit");
    sandbox.aethel(&["new", "three"]).fine();
    let program = sandbox.read("three/three.ae");
    let wrong = program.replace("employee.balance + amount;", "employee.balance+amount + 1;");
    for hook in hooks.as_array().unwrap() {
        let (id, entry) = (hook["id"].as_str().unwrap(), hook["entry"].as_str().unwrap());
        assert!(named.contains(&format!("- id: {id}\n")), "{id}");
        let files = regex::Regex::new(hook["files"].as_str().unwrap()).unwrap();
        assert!(files.is_match("three.ae") && !files.is_match("README.md"), "{id}");
        let names = if hook["pass_filenames"] == "false" {
            ""
        } else {
            "three.ae"
        };
        for (text, code) in [(&program, 0), (&wrong, 1)] {
            sandbox.write("three/three.ae", text);
            sandbox.shell(&format!("cd three && {entry} {names}")).ends(code);
        }
    }
    sandbox.write("three/.git-hook", recipe("sh git-hook"));
    let script =
        "cd three && git init -q . && cp .git-hook .git/hooks/pre-commit && chmod +x .git/hooks/pre-commit &&
        export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b &&
        git add . && git commit -qm one";
    sandbox.shell(script).ends(1);
    sandbox.write("three/three.ae", program);
    sandbox
        .shell(&format!("{script} && git log --oneline | wc -l"))
        .fine()
        .says("1");
}
