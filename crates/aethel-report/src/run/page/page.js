"use strict";
// Searches, sorts, pages and zooms. Everything that it shows is in the page already; text goes in as text only.
(() => {
    const find = (id) => {
        const element = document.getElementById(id);
        return element ? JSON.parse(element.textContent) : null;
    };
    const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, " ");
    const tight = (text) => text.replace(/\s/g, "");

    // Amounts are compared exactly: as whole numbers of the 18th decimal place.
    const exact = (text) => {
        const number = /^[+-]?\d+(\.\d+)?/.exec(tight(text));
        if (!number) return null;
        const [whole, fraction = ""] = number[0].replace("+", "").split(".");
        return BigInt(whole + fraction.slice(0, 18).padEnd(18, "0"));
    };
    const words = new Intl.Collator("en", { numeric: true });
    const compare = (kind) => (a, b) => {
        if (kind !== "number") return words.compare(a, b);
        const [x, y] = [exact(a), exact(b)];
        if (x === null || y === null) return (x === null) - (y === null) || words.compare(a, b);
        return x < y ? -1 : x > y ? 1 : 0;
    };

    const list = (box) => {
        const data = find(box.dataset.list + "-data");
        const { rows, columns, what } = data;
        const [input, select] = [box.querySelector("input"), box.querySelector("select")];
        const [body, status] = [box.querySelector("tbody"), box.querySelector("[data-status]")];
        const buttons = [...box.querySelectorAll("[data-step]")];
        const heads = [...box.querySelectorAll("th[scope=col]")];
        const original = rows.map((_, n) => n);
        const texts = rows.map((row) => row.join("\n").toLowerCase());
        let [order, shown, at, sorted, down] = [original, original, 0, -1, false];

        const draw = () => {
            const size = select.value === "all" ? shown.length : Number(select.value);
            at = Math.max(0, Math.min(at, Math.floor((shown.length - 1) / Math.max(size, 1)) * size));
            const part = shown.slice(at, at + size);
            body.replaceChildren(...part.map((n) => {
                const tr = document.createElement("tr");
                rows[n].forEach((text, column) => {
                    const kind = columns[column][1];
                    const cell = document.createElement(column === 0 && kind === "text" ? "th" : "td");
                    if (cell.tagName === "TH") cell.scope = "row";
                    cell.className = kind;
                    cell.textContent = text;
                    tr.append(cell);
                });
                return tr;
            }));
            const found = shown.length === rows.length ? "" : `, of ${grouped(rows.length)} in all`;
            status.textContent = shown.length === 0
                ? `no ${what} found${found}`
                : `${grouped(at + 1)} to ${grouped(at + part.length)} of ${grouped(shown.length)} ${what}${found}`;
            buttons[0].disabled = at === 0;
            buttons[1].disabled = at + size >= shown.length;
        };
        const search = () => {
            const wanted = input.value.trim().toLowerCase();
            // Digits are found however they are grouped.
            const number = /^[\d\s.+-]+$/.test(wanted) ? tight(wanted) : null;
            shown = order.filter((n) => texts[n].includes(wanted)
                || number !== null && texts[n].split("\n").some((cell) => tight(cell).includes(number)));
            at = 0;
            draw();
        };
        const sort = (column) => {
            const number = columns[column][1] === "number";
            if (sorted === column && down !== number) {
                // The third click gives back the order that the page came with.
                [sorted, order] = [-1, original];
            } else {
                down = sorted === column ? !down : number;
                sorted = column;
                const by = compare(columns[column][1]);
                order = [...original].sort((a, b) => (down ? -1 : 1) * by(rows[a][column], rows[b][column]));
            }
            heads.forEach((head, n) => head.setAttribute("aria-sort", n !== sorted ? "none" : down ? "descending" : "ascending"));
            search();
        };
        heads.forEach((head, column) => {
            const button = document.createElement("button");
            button.type = "button";
            button.textContent = head.textContent;
            button.addEventListener("click", () => sort(column));
            head.replaceChildren(button);
        });
        input.addEventListener("input", search);
        select.addEventListener("change", () => { at = 0; draw(); });
        buttons.forEach((button) => button.addEventListener("click", () => {
            at += Number(button.dataset.step) * (select.value === "all" ? 0 : Number(select.value));
            draw();
        }));
        box.querySelector(".controls").hidden = false;
        draw();
    };

    const duration = (ns) => {
        const [unit, by] = ns < 1e3 ? ["ns", 1] : ns < 1e6 ? ["µs", 1e3] : ns < 1e9 ? ["ms", 1e6] : ["s", 1e9];
        return `${(ns / by).toFixed(by === 1 ? 0 : ns / by < 10 ? 2 : ns / by < 100 ? 1 : 0)} ${unit}`;
    };

    const timeline = (box) => {
        const id = box.dataset.timeline;
        const { wall, blocks, sequence } = find(id + "-data");
        const names = find(id.replace(/chunks$/, "transactions-data"));
        const [svg, time, chosen] = [box.querySelector("svg"), box.querySelector(".time"), box.querySelector(".chosen")];
        const ticks = [...box.querySelectorAll(".axis li")];
        const height = svg.viewBox.baseVal.height;
        // The drawing has units of its own, however long it took.
        const unit = svg.viewBox.baseVal.width / wall;
        const least = Math.max(wall / 2000, 50);
        let [from, width, picked] = [0, wall, -1];

        const draw = () => {
            width = Math.min(wall, Math.max(least, width));
            from = Math.min(wall - width, Math.max(0, from));
            svg.setAttribute("viewBox", `${(from * unit).toFixed(3)} 0 ${(width * unit).toFixed(3)} ${height}`);
            ticks.forEach((tick, n) => { tick.textContent = duration(from + (width * n) / (ticks.length - 1)); });
        };
        const zoom = (by, around = 0.5) => {
            const middle = from + width * around;
            const next = Math.min(wall, Math.max(least, width * by));
            from = middle - next * around;
            width = next;
            draw();
        };
        const name = (at) => {
            const n = sequence ? sequence[at] : at;
            return names && names.rows[n] ? names.rows[n][1] : `#${n + 1}`;
        };
        const pick = (n, show) => {
            if (!blocks[n]) return;
            svg.querySelector(".picked")?.classList.remove("picked");
            svg.querySelector(`[data-n="${n}"]`).classList.add("picked");
            picked = n;
            const [thread, start, end, ranges] = blocks[n];
            const all = ranges.reduce((sum, range) => sum + range[1], 0);
            const told = [];
            for (const [first, count] of ranges) {
                for (let k = 0; k < count && told.length < 100; k++) told.push(name(first + k));
            }
            const more = all > told.length ? ` and ${grouped(all - told.length)} more` : "";
            chosen.textContent = `Thread ${thread}, ${duration(start)} to ${duration(end)}, ${grouped(all)} ${all === 1 ? "transaction" : "transactions"}: ${told.join(", ")}${more}`;
            if (show && (start < from || end > from + width)) {
                from = (start + end - width) / 2;
                draw();
            }
        };
        const acts = {
            in: () => zoom(0.5),
            out: () => zoom(2),
            left: () => { from -= width / 4; draw(); },
            right: () => { from += width / 4; draw(); },
            all: () => { [from, width] = [0, wall]; draw(); },
            previous: () => pick(picked < 0 ? blocks.length - 1 : picked - 1, true),
            next: () => pick(picked + 1, true),
        };
        const keys = { "+": "in", "=": "in", "-": "out", ArrowLeft: "left", ArrowRight: "right", 0: "all", ArrowUp: "previous", ArrowDown: "next" };
        box.querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", acts[button.dataset.zoom]));
        time.addEventListener("keydown", (event) => {
            if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
            event.preventDefault();
            acts[keys[event.key]]();
        });
        // The wheel zooms once the timeline has been chosen; until then it scrolls the page.
        time.addEventListener("wheel", (event) => {
            if (document.activeElement !== time) return;
            event.preventDefault();
            const place = svg.getBoundingClientRect();
            zoom(event.deltaY > 0 ? 1.25 : 0.8, (event.clientX - place.left) / place.width);
        }, { passive: false });
        svg.addEventListener("click", (event) => {
            time.focus();
            if (event.target.dataset.n !== undefined) pick(Number(event.target.dataset.n), false);
        });
        box.querySelector(".controls").hidden = false;
    };

    const drawing = (box) => {
        const svg = box.querySelector("svg");
        const { width, height } = svg.viewBox.baseVal;
        // As large as it is drawn at first, which the width of the page limits.
        let scale = Math.min(1, svg.getBoundingClientRect().width / width);
        const draw = () => {
            svg.classList.add("sized");
            svg.setAttribute("width", width * scale);
            svg.setAttribute("height", height * scale);
        };
        const sizes = {
            larger: () => Math.min(4, scale * 1.3),
            smaller: () => Math.max(0.2, scale / 1.3),
            fit: () => Math.min(1, box.querySelector(".wide").clientWidth / width),
        };
        box.querySelectorAll("[data-size]").forEach((button) => button.addEventListener("click", () => {
            scale = sizes[button.dataset.size]();
            draw();
        }));
        box.querySelector(".controls").hidden = false;
    };

    document.querySelectorAll("[data-list]").forEach(list);
    document.querySelectorAll("[data-timeline]").forEach(timeline);
    document.querySelectorAll("[data-drawing]").forEach(drawing);
    // Paper cannot be clicked.
    addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
})();
