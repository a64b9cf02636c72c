// What the pages do beyond being read: local times, parts that follow what is running, files sent
// with their progress, downloads, corrections, decisions. All of it through the API's own calls; every text
// from outside is put in as text, never as markup.
"use strict";

const LOOK_MS = 2000;
const PATIENCE_MS = 60000;
const language = document.documentElement.lang;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const filled = (text, facts) => text.replace(/\{(\w+)\}/g, (blank, name) => facts[name] ?? blank);

function element(tag, text, kind) {
  const made = document.createElement(tag);
  made.textContent = text ?? "";
  if (kind) made.className = kind;
  return made;
}

function announce(text) {
  document.getElementById("announce").append(element("p", text));
}

async function problem(answer) {
  try {
    return (await answer.json()).detail;
  } catch {
    return `${answer.status} ${answer.statusText}`;
  }
}

// Times: UTC in the page, the reader's own on the screen.
function localTimes(part) {
  for (const time of part.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    time.title = time.textContent;
    time.textContent = moment.toLocaleString(language === "en" ? navigator.language : language, {
      dateStyle: "medium",
      timeStyle: "short",
    });
  }
}

// Live parts: asked again every two seconds while they are busy, put in only when they changed.
class Live {
  constructor(place) {
    this.place = place;
    this.url = place.dataset.live;
    this.idle = Number(place.dataset.idle ?? 0) * 1000;
    this.wanted = 0;
    this.text = null;
    this.follow();
  }

  get busy() {
    return this.wanted > 0 || this.place.querySelector("[data-busy=yes]") !== null;
  }

  async follow() {
    for (let rested = 0; ; rested += LOOK_MS) {
      await sleep(LOOK_MS);
      const due = this.busy || (this.idle && rested >= this.idle);
      if (!due || document.hidden) continue;
      rested = 0;
      await this.look();
    }
  }

  async look() {
    try {
      const answer = await fetch(this.url);
      if (answer.ok) this.show(await answer.text());
    } catch {
      // the server is away for a moment; the next look finds it
    }
  }

  show(text) {
    if (text === this.text) return;
    this.text = text;
    const part = new DOMParser().parseFromString(text, "text/html").body;
    localTimes(part);
    const before = this.states();
    const focused = this.place.contains(document.activeElement) ? document.activeElement.id : "";
    const scrolled = [...this.place.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
    this.place.replaceChildren(...part.childNodes);
    this.place.querySelectorAll(".scroll").forEach((box, n) => (box.scrollLeft = scrolled[n] ?? 0));
    if (focused) document.getElementById(focused)?.focus();
    wire(this.place);
    this.tell(before);
  }

  states() {
    const found = [...this.place.querySelectorAll("[data-batch]")];
    return new Map(found.map((row) => [row.dataset.batch, row.dataset.state]));
  }

  tell(before) {
    for (const row of this.place.querySelectorAll("[data-batch]")) {
      if (before.get(row.dataset.batch) !== row.dataset.state) announce(row.dataset.said);
    }
  }
}

// Deliveries: one after the other, each with its progress, until it is known what became of it.
class Delivery {
  constructor(file, drop, list) {
    this.file = file;
    this.said = drop.dataset;
    this.item = element("li");
    this.bar = element("progress");
    this.bar.max = 100;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", file.name);
    this.status = element("p", this.said.sending, "answer");
    this.stop = element("button", this.said.cancel);
    this.stop.type = "button";
    this.stop.setAttribute("aria-label", `${this.said.cancel}: ${file.name}`);
    this.stop.addEventListener("click", () => this.cancel());
    this.item.append(element("strong", file.name), this.bar, this.stop, this.status);
    list.hidden = false;
    list.prepend(this.item);
  }

  cancel() {
    this.cancelled = true;
    this.request?.abort();
    this.end("failed", this.said.cancelled);
  }

  end(state, text) {
    this.item.className = state;
    this.bar.remove();
    this.stop.remove();
    this.tell(text);
  }

  tell(text) {
    if (this.status.textContent === text) return;
    this.status.textContent = text;
    announce(`${this.file.name}: ${text}`);
  }

  async send() {
    if (this.cancelled) return null;
    try {
      const signed = await this.signed();
      const landed = signed && !this.cancelled ? await this.put(signed) : null;
      if (landed) this.stop.remove();
      return landed;
    } catch {
      if (!this.cancelled) this.end("failed", this.said.brokenOff);
      return null;
    }
  }

  async signed() {
    const asked = await fetch(this.said.url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ filename: this.file.name, why: "delivered in the portal" }),
    });
    if (asked.ok) return (await asked.json()).url;
    this.end("failed", await problem(asked));
    return null;
  }

  put(url) {
    return new Promise((done, fail) => {
      const request = new XMLHttpRequest();
      this.request = request;
      request.upload.addEventListener("progress", (sent) => {
        if (!sent.lengthComputable) return;
        const percent = Math.floor((100 * sent.loaded) / Math.max(sent.total, 1));
        this.bar.value = percent;
        this.status.textContent = filled(this.said.sentOf, { percent });
      });
      request.addEventListener("load", () => {
        const answer = readJson(request.responseText);
        if (request.status < 300) return done(answer.batch_id);
        this.end("failed", answer.detail ?? `${request.status} ${request.statusText}`);
        return done(null);
      });
      for (const gone of ["error", "abort", "timeout"]) request.addEventListener(gone, fail);
      request.open("PUT", url);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.send(this.file);
    });
  }

  // Ask what became of it until that is final.
  async watch(batch) {
    this.bar.removeAttribute("value");
    const query = this.said.watch.includes("?") ? "&" : "?";
    const url = `${this.said.watch}${query}batch=${encodeURIComponent(batch)}`;
    const begun = Date.now();
    for (;;) {
      const found = await fetch(url).then((answer) => answer.json(), () => ({}));
      if (found.final) return this.found(found);
      const late = !found.batch && Date.now() - begun > PATIENCE_MS;
      this.tell(late ? this.said.stillArriving : (found.said ?? this.status.textContent));
      await sleep(late ? 5 * LOOK_MS : LOOK_MS / 2);
    }
  }

  found({ state, said, batch }) {
    this.end(state, said);
    const to = element("a", batch);
    const [, query = ""] = this.said.watch.split("?");
    to.href = `${this.said.page}${encodeURIComponent(batch)}${query && `?${query}`}`;
    this.item.append(to);
  }
}

function readJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function takeDeliveries(drop, live) {
  drop.hidden = false;
  const input = drop.querySelector("input[type=file]");
  const list = document.getElementById("sent");
  let queue = Promise.resolve();
  let sending = 0;

  async function deliver(delivery) {
    const batch = await delivery.send();
    sending -= 1;
    if (!batch) return;
    live.wanted += 1;
    delivery.watch(batch).finally(async () => {
      await live.look();
      live.wanted -= 1;
    });
  }

  function take(files) {
    for (const file of files) {
      const delivery = new Delivery(file, drop, list);
      sending += 1;
      queue = queue.then(() => deliver(delivery));
    }
  }

  input.addEventListener("change", () => {
    take(input.files);
    input.value = "";
  });
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files);
  });
  window.addEventListener("beforeunload", (event) => {
    if (sending) event.preventDefault();
  });
}

async function download(box, button) {
  const said = box.querySelector(".answer");
  said.className = "answer";
  said.textContent = box.dataset.preparing;
  const answer = await fetch(box.dataset.download, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...JSON.parse(button.dataset.wanted), why: "asked for in the portal" }),
  });
  if (!answer.ok) {
    said.className = "answer problem";
    said.textContent = await problem(answer);
    return;
  }
  said.textContent = "";
  const to = element("a");
  to.href = (await answer.json()).url;
  to.download = "";
  to.click();
}

async function correct(form) {
  const said = form.querySelector(".answer");
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(`${form.dataset.corrections}?why=${encodeURIComponent("corrected in the portal")}`, {
      method: "POST",
      headers: { "Content-Type": "text/csv" },
      body: form.querySelector("input").files[0],
    });
    said.className = answer.ok ? "answer" : "answer problem";
    said.textContent = answer.ok
      ? filled(form.dataset.corrected, await answer.json())
      : await problem(answer);
    if (answer.ok) {
      sessionStorage.setItem("done", said.textContent);
      location.reload();
    }
  } finally {
    button.disabled = false;
  }
}

// Decisions: a dialog says what is about to happen and asks who decides, and why.
function ask(dialog, button) {
  const body = JSON.parse(button.dataset.body);
  let means = button.dataset.means;
  if (button.dataset.pick) {
    const picked = [...document.querySelectorAll(`input[name=${button.dataset.pick}]:checked`)];
    const records = picked.map((box) => Number(box.value));
    document.getElementById("none-chosen").textContent = records.length ? "" : dialog.dataset.noneChosen;
    if (!records.length) return;
    body.records = records;
    means = filled(means, { records: records.join(", ") });
  }
  dialog.querySelector("h2").textContent = button.dataset.title;
  document.getElementById("decision-means").textContent = means;
  dialog.querySelector("[type=submit]").textContent = button.textContent;
  dialog.querySelector("textarea").value = "";
  tell(dialog, "");
  const form = dialog.querySelector("form");
  form.onsubmit = (event) => {
    event.preventDefault();
    decide(dialog, button, body);
  };
  dialog.showModal();
}

function tell(dialog, text, isProblem = true) {
  const said = dialog.querySelector(".answer");
  said.className = isProblem ? "answer problem" : "answer";
  said.textContent = text;
}

async function decide(dialog, button, body) {
  const form = dialog.querySelector("form");
  for (const field of form.querySelectorAll("input, textarea")) {
    field.value = field.value.trim();
    body[field.name] = field.value;
  }
  if (!form.reportValidity()) return;
  const buttons = form.querySelectorAll("button");
  for (const one of buttons) one.disabled = true;
  tell(dialog, dialog.dataset.goingOn, false);
  try {
    const answer = await fetch(button.dataset.decide, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) return tell(dialog, await problem(answer));
    const { breaking } = await answer.json();
    const done = breaking?.length ? (button.dataset.breaking ?? button.dataset.done) : button.dataset.done;
    sessionStorage.setItem("done", done);
    location.reload();
  } catch {
    tell(dialog, dialog.dataset.gone);
  } finally {
    for (const one of buttons) one.disabled = false;
  }
}

// Make a part of the page work: once for the page, and again for what a live part brings.
function wire(part) {
  for (const box of part.querySelectorAll("[data-download]")) {
    box.hidden = false;
    for (const button of box.querySelectorAll("button")) {
      button.addEventListener("click", () => download(box, button));
    }
  }
  const dialog = document.getElementById("decision");
  for (const place of part.querySelectorAll("[data-script]")) place.hidden = false;
  for (const button of part.querySelectorAll("[data-decide]")) {
    button.addEventListener("click", () => ask(dialog, button));
  }
  for (const form of part.querySelectorAll("[data-corrections]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      correct(form);
    });
  }
}

localTimes(document);
wire(document);
const live = [...document.querySelectorAll("[data-live]")].map((place) => new Live(place));
const drop = document.getElementById("drop");
if (drop) takeDeliveries(drop, live[0]);
const decision = document.getElementById("decision");
decision?.querySelector("[data-close]").addEventListener("click", () => decision.close());
const done = sessionStorage.getItem("done");
if (done) {
  sessionStorage.removeItem("done");
  document.querySelector("h1").after(element("p", done, "note"));
  announce(done);
}
