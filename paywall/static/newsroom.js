// Beside the editor: the preview follows what is typed, a button ends the teaser, and nothing is lost.
"use strict";

const form = document.querySelector(".editor-form");
const place = document.querySelector("[data-proof]");
const body = form.elements.namedItem("body");
const caret = form.elements.namedItem("caret");
const PATIENCE = 400;
const KEY = "newsroom";
const KEPT = ["title", "standfirst", "body"];

let waiting = 0;
let asking = null;
let isDirty = document.querySelector(".overtaken") !== null;

function sent() {
  const data = new FormData(form);
  data.delete("upload");
  return data;
}

function show(html) {
  const next = document.createElement("div");
  next.innerHTML = html;
  const shut = [...place.querySelectorAll("details:not([open])")].map((one) => one.dataset.keep);
  const tops = new Map([...place.querySelectorAll("details")].map((one) => [one.dataset.keep, one.querySelector(".paper")?.scrollTop ?? 0]));
  for (const one of next.querySelectorAll("details")) one.open = !shut.includes(one.dataset.keep);
  place.replaceChildren(...next.childNodes);
  for (const one of place.querySelectorAll("details")) {
    const paper = one.querySelector(".paper");
    if (paper) paper.scrollTop = tops.get(one.dataset.keep) ?? 0;
  }
}

async function preview() {
  asking?.abort();
  asking = new AbortController();
  try {
    const answer = await fetch(form.dataset.preview, { method: "POST", body: sent(), signal: asking.signal, redirect: "error" });
    place.classList.toggle("stale", !answer.ok);
    if (answer.ok) show(await answer.text());
  } catch (error) {
    if (error.name !== "AbortError") place.classList.add("stale");
  }
}

function typed() {
  isDirty = true;
  clearTimeout(waiting);
  waiting = setTimeout(preview, PATIENCE);
}

// The server counts characters as people do, the browser by halves of some.
function noteCaret() {
  caret.value = [...body.value.slice(0, body.selectionStart)].length;
}

function endTeaser() {
  const without = body.value.replace(/\n*<!--\s*more\s*-->\n*/g, "\n\n");
  const at = Math.min(body.selectionStart, without.length);
  const line = without.indexOf("\n\n", at);
  const end = line === -1 ? without.length : line;
  body.value = `${without.slice(0, end).trimEnd()}\n\n<!-- more -->\n\n${without.slice(end).trimStart()}`;
  typed();
}

// What was sent and has not come back, because of a sign-out or a broken line, is still in this tab.
function remember() {
  const fields = Object.fromEntries(KEPT.map((name) => [name, form.elements.namedItem(name).value]));
  sessionStorage.setItem(KEY, JSON.stringify({ path: form.getAttribute("action"), fields }));
}

function offerBack() {
  const { path, fields } = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
  if (!fields) return;
  const isHere = KEPT.every((name) => form.elements.namedItem(name).value.trim() === fields[name].trim());
  if (isHere) sessionStorage.removeItem(KEY);
  if (isHere || path !== form.getAttribute("action")) return;
  const notice = document.querySelector("[data-lost]");
  notice.hidden = false;
  notice.querySelector("button").addEventListener("click", () => {
    for (const name of KEPT) form.elements.namedItem(name).value = fields[name];
    notice.hidden = true;
    typed();
  });
}

form.addEventListener("input", typed);
form.addEventListener("change", typed);
for (const event of ["keyup", "pointerup", "blur"]) body.addEventListener(event, noteCaret);
form.addEventListener("submit", () => { isDirty = false; remember(); });
for (const one of document.querySelectorAll("[data-script]")) one.hidden = false;
document.querySelector("[data-more]").addEventListener("click", endTeaser);
// A link in the preview is looked at, not followed: the text would be lost.
place.addEventListener("click", (event) => { if (event.target.closest("a")) event.preventDefault(); });
window.addEventListener("beforeunload", (event) => { if (isDirty) event.preventDefault(); });
offerBack();
