//! A real browser without a window, told what to do through its own protocol: JSON messages over two pipes.

use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Nothing takes as long on any machine; what does hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// A browser that ends with the test.
pub struct Browser {
    child: Child,
    to: Option<File>,
    from: Receiver<Value>,
    next: u64,
    /// What it told unasked.
    events: Vec<Value>,
    _home: tempfile::TempDir,
}

/// How a page is looked at.
#[derive(Clone, Copy)]
pub struct View {
    pub width: u32,
    pub dark: bool,
    pub script: bool,
}

pub const DESKTOP: View = View {
    width: 1100,
    dark: false,
    script: true,
};

pub const PHONE: View = View {
    width: 390,
    ..DESKTOP
};

impl Browser {
    /// Starts Chromium, which `.ci/setup test` installs.
    pub fn start() -> Self {
        let home = tempfile::Builder::new()
            .prefix("aethel-browser-")
            .tempdir()
            .unwrap();
        let script = "mkfifo in out && exec chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
                      --hide-scrollbars --force-color-profile=srgb --user-data-dir=profile --remote-debugging-pipe about:blank \
                      3<in 4>out";
        let mut child = Command::new("sh")
            .args(["-c", script])
            .current_dir(home.path())
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while !home.path().join("out").exists() {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < LIMIT, "no pipes: {ended:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
        // In the order in which the shell opens them; each waits for the other side.
        let to = File::options().write(true).open(home.path().join("in")).unwrap();
        let out = File::open(home.path().join("out")).unwrap();
        let (send, from) = channel();
        std::thread::spawn(move || {
            let messages = BufReader::new(out).split(0);
            for message in messages.map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else {
                    break;
                };
                if send.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser = Self {
            child,
            to: Some(to),
            from,
            next: 0,
            events: Vec::new(),
            _home: home,
        };
        browser.call(None, "Browser.getVersion", json!({}));
        browser
    }

    fn call(&mut self, session: Option<&str>, method: &str, parameters: Value) -> Value {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": parameters });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let sent = self.to.as_mut().unwrap().write_all(&bytes);
        sent.expect("chromium is there: `.ci/setup test` installs it");
        loop {
            let answer = self.from.recv_timeout(LIMIT);
            let mut answer =
                answer.unwrap_or_else(|_| panic!("no answer to {method}: is chromium installed?"));
            if answer["id"] == self.next {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    /// A tab that shows nothing yet.
    pub fn tab(&mut self, view: View) -> Tab<'_> {
        let target = self.call(None, "Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call(None, "Target.attachToTarget", attach)["sessionId"]
            .as_str()
            .unwrap()
            .to_owned();
        self.events.clear();
        let mut tab = Tab {
            browser: self,
            session,
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            tab.call(&format!("{domain}.enable"), json!({}));
        }
        let phone = view.width < 600;
        let metrics = json!({ "width": view.width, "height": 900, "deviceScaleFactor": 1, "mobile": phone });
        tab.call("Emulation.setDeviceMetricsOverride", metrics);
        tab.media("screen", view.dark);
        if !view.script {
            tab.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
        }
        tab
    }

    /// A file in a new tab.
    pub fn open(&mut self, file: &Path, view: View) -> Tab<'_> {
        let mut tab = self.tab(view);
        tab.go(&format!("file://{}", file.display()));
        tab
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Without its pipes it ends by itself, and all its processes with it.
        self.to = None;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A page in the browser.
pub struct Tab<'a> {
    browser: &'a mut Browser,
    session: String,
}

impl Tab<'_> {
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        let session = self.session.clone();
        self.browser.call(Some(&session), method, parameters)
    }

    /// Goes to an address, and waits until everything is there.
    pub fn go(&mut self, url: &str) {
        let gone = self.call("Page.navigate", json!({ "url": url }));
        assert!(gone["errorText"].is_null(), "{url}: {gone}");
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'");
    }

    /// Which medium the page believes to be on, and which colours its reader likes.
    pub fn media(&mut self, medium: &str, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "media": medium, "features": features }),
        );
    }

    /// The value of an expression, or what its promise comes to.
    pub fn eval(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut result = self.call("Runtime.evaluate", parameters);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].take()
    }

    pub fn text(&mut self, expression: &str) -> String {
        let value = self.eval(expression);
        value
            .as_str()
            .unwrap_or_else(|| panic!("{expression}: {value}"))
            .to_owned()
    }

    /// Waits until something holds.
    pub fn until(&mut self, condition: &str) {
        let begun = Instant::now();
        while self.eval(condition) != true {
            assert!(begun.elapsed() < LIMIT, "never: {condition}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The middle of what a selector finds, in view.
    fn middle(&mut self, selector: &str) -> (f64, f64) {
        let place = self.eval(&format!(
            "(() => {{ const found = document.querySelector({selector:?}); \
             found.scrollIntoView({{ block: 'center', behavior: 'instant' }}); const at = found.getBoundingClientRect(); \
             return [at.x + at.width / 2, at.y + at.height / 2]; }})()"
        ));
        (place[0].as_f64().unwrap(), place[1].as_f64().unwrap())
    }

    fn mouse(&mut self, kind: &str, (x, y): (f64, f64), more: Value) {
        let mut parameters = json!({ "type": kind, "x": x, "y": y });
        for (key, value) in more.as_object().unwrap() {
            parameters[key] = value.clone();
        }
        self.call("Input.dispatchMouseEvent", parameters);
    }

    /// Clicks as a hand does.
    pub fn click(&mut self, selector: &str) {
        let place = self.middle(selector);
        let button = json!({ "button": "left", "clickCount": 1 });
        self.mouse("mousePressed", place, button.clone());
        self.mouse("mouseReleased", place, button);
    }

    /// Turns the wheel; less than 0 is away from the reader.
    pub fn wheel(&mut self, selector: &str, delta: i32) {
        let place = self.middle(selector);
        self.mouse("mouseWheel", place, json!({ "deltaX": 0, "deltaY": delta }));
    }

    /// Writes into the field that was clicked last.
    pub fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Presses a key that writes nothing.
    pub fn key(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.call("Input.dispatchKeyEvent", json!({ "type": kind, "key": key }));
        }
    }

    /// What the browser complained about: errors, refused styles and scripts, dialogs; and what it fetched besides the
    /// page itself.
    pub fn complaints(&mut self) -> Vec<String> {
        // An answer comes after all that was told before it.
        self.eval("0");
        let bad = |event: &&Value| match event["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown"
            | "Runtime.consoleAPICalled"
            | "Log.entryAdded"
            | "Page.javascriptDialogOpening" => true,
            "Network.requestWillBeSent" => event["params"]["type"] != "Document",
            _ => false,
        };
        let events = self.browser.events.iter().filter(bad);
        events.map(Value::to_string).collect()
    }
}
