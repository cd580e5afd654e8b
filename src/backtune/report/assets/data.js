"use strict";
// What report/data.py packed: columns kept as whole steps from value to value, compressed.
const backtune = (() => {
  const kept = new Map(), waiting = new Map();

  function sums(steps, size) {
    let total = 0;
    return steps.map((step) => (step === null ? null : (total += step) * size));
  }

  function revive(value) {
    if (Array.isArray(value)) return value.length && typeof value[0] === "object" ? value.map(revive) : value;
    if (value === null || typeof value !== "object") return value;
    if (value.$d) return sums(value.$d, value.$s);
    if (value.$t) return sums(value.$t, value.$u);
    if (value.$v) return value.$v;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, revive(item)]));
  }

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return revive(JSON.parse(await new Response(stream).text()));
  }

  function element(name) {
    const found = document.getElementById(name);
    if (found || document.readyState !== "loading") return Promise.resolve(found);
    return new Promise((done) => addEventListener("DOMContentLoaded", () => done(document.getElementById(name))));
  }

  // Part of a symbol: from the page, or from a file beside it, which calls keep.
  async function part(number, folder) {
    if (!kept.has(number)) {
      if (!folder) kept.set(number, (await element(`part-${number}`)).textContent);
      else await load(number, folder);
    }
    return unpack(kept.get(number));
  }

  function load(number, folder) {
    return new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = `${encodeURIComponent(folder)}/${number}.js`;
      waiting.set(number, done);
      script.onerror = () => failed(new Error(`${folder}/${number}.js is not beside this page; keep the two together`));
      document.head.append(script);
    });
  }

  function keep(number, text) {
    kept.set(number, text);
    waiting.get(number)?.();
  }

  const named = async (name) => unpack((await element(name)).textContent);
  return { part, keep, named };
})();
