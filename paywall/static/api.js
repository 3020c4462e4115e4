// Sends the requests of the forms on the page about the API, and shows what comes back.
"use strict";

const token = document.querySelector("#token");

function values(form, place) {
  return [...form.querySelectorAll(`[data-place="${place}"]`)]
    .filter((field) => field.value !== "")
    .map((field) => [field.dataset.name, field.value]);
}

function address(form) {
  const path = values(form, "path").reduce(
    (text, [name, value]) => text.replace(`{${name}}`, encodeURIComponent(value)),
    form.dataset.address,
  );
  const query = new URLSearchParams(values(form, "query")).toString();
  return query ? `${path}?${query}` : path;
}

function request(form) {
  const headers = Object.fromEntries(values(form, "header"));
  if (token.value) headers.Authorization = `Bearer ${token.value}`;
  const file = form.querySelector("[data-file]");
  const text = form.querySelector("[data-body]");
  if (file) headers["Content-Type"] = file.files[0].type;
  else if (text) headers["Content-Type"] = form.dataset.type;
  const body = file ? file.files[0] : text ? text.value : undefined;
  return { method: form.dataset.method, headers, body, credentials: "omit", cache: "no-store" };
}

function shown(response, text) {
  const kind = response.headers.get("Content-Type") || "";
  const names = ["ETag", "Cache-Control", "Location", "Retry-After", "WWW-Authenticate"];
  const headers = names
    .filter((name) => response.headers.has(name))
    .map((name) => `${name}: ${response.headers.get(name)}`);
  const body = kind.includes("json") && text ? JSON.stringify(JSON.parse(text), null, 2) : text;
  return [`${response.status} ${response.statusText}`, ...headers, "", body].join("\n");
}

async function send(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const place = form.querySelector("pre");
  place.hidden = false;
  place.textContent = "…";
  try {
    const response = await fetch(address(form), request(form));
    place.textContent = shown(response, await response.text());
  } catch (error) {
    place.textContent = String(error);
  }
}

document.querySelector(".api-token").addEventListener("submit", (event) => event.preventDefault());
for (const form of document.querySelectorAll(".api-try")) form.addEventListener("submit", send);
for (const form of document.querySelectorAll(".api-token, .api-try")) form.hidden = false;
