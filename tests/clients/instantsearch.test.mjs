// An InstantSearch front end over this service: the real library, its widgets without their looks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { instantMeiliSearch } from "@meilisearch/instant-meilisearch";
import library from "instantsearch.js";
import {
  connectHits,
  connectPagination,
  connectRange,
  connectRefinementList,
  connectSearchBox,
  connectSortBy,
  connectStats,
} from "instantsearch.js/es/connectors/index.js";

const host = process.env.KECHUANG_URL;
// Node takes the CommonJS build.
const instantsearch = library.default ?? library;

/** Starts a front end on the demands; `shown` holds what each widget was last told to draw. */
function start(options = {}, more = []) {
  const { searchClient } = instantMeiliSearch(host, "", { primaryKey: "id", finitePagination: true, ...options });
  const search = instantsearch({ indexName: "demand", searchClient });
  const shown = {};
  const widget = (name, connector, parameters = {}) =>
    connector((state) => {
      shown[name] = state;
    })(parameters);
  search.addWidgets([
    widget("box", connectSearchBox),
    widget("hits", connectHits),
    widget("stats", connectStats),
    widget("pages", connectPagination),
    widget("progress", connectRefinementList, { attribute: "progress", operator: "or" }),
    widget("modes", connectRefinementList, { attribute: "cooperation_modes", operator: "and" }),
    widget("places", connectRefinementList, { attribute: "division_code", limit: 20 }),
    widget("budget", connectRange, { attribute: "budget_yuan" }),
    widget("order", connectSortBy, {
      items: [
        { label: "relevance", value: "demand" },
        { label: "budget", value: "demand:budget_yuan:desc" },
      ],
    }),
    ...more,
  ]);
  /** Does something, and waits until what it asks for is drawn. */
  const settle = (act) =>
    new Promise((resolve, reject) => {
      const drawn = () => {
        if (search.status !== "idle") return;
        search.removeListener("render", drawn);
        resolve();
      };
      search.on("render", drawn);
      search.once("error", (error) => reject(error.error ?? error));
      act();
    });
  return { search, shown, settle };
}

test("typing, refining, sorting and paging", { timeout: 60_000 }, async () => {
  const { search, shown, settle } = start();
  await settle(() => search.start());
  const all = shown.stats.nbHits;
  assert.ok(all > 50, `${all} hits`);
  assert.equal(shown.hits.items.length, 20);
  assert.equal(shown.pages.nbPages, Math.ceil(all / 20));

  await settle(() => shown.box.refine("海水淡化"));
  const hit = shown.hits.items.find((item) => item.title.includes("海水淡化"));
  assert.equal(hit.objectID, hit.id);
  assert.match(hit._highlightResult.title.value, /<mark>海水淡化<\/mark>/);
  await settle(() => shown.box.refine(""));

  // A list that is refined with OR goes on to count its other values.
  const before = Object.fromEntries(shown.progress.items.map((item) => [item.value, item.count]));
  await settle(() => shown.progress.refine("seeking"));
  assert.equal(shown.stats.nbHits, before.seeking);
  const after = Object.fromEntries(shown.progress.items.map((item) => [item.value, item.count]));
  assert.deepEqual(after, before);
  assert.ok(shown.hits.items.every((item) => item.progress === "seeking"));

  // One that is refined with AND counts within.
  const mode = shown.modes.items[0];
  await settle(() => shown.modes.refine(mode.value));
  assert.equal(shown.stats.nbHits, mode.count);
  await settle(() => shown.modes.refine(mode.value));
  await settle(() => shown.progress.refine("seeking"));
  assert.equal(shown.stats.nbHits, all);

  // A place counts what is in it and below, and selects as much.
  const place = shown.places.items.find((item) => item.value === "370200");
  await settle(() => shown.places.refine(place.value));
  assert.equal(shown.stats.nbHits, place.count);
  await settle(() => shown.places.refine(place.value));

  const { min, max } = shown.budget.range;
  assert.ok(min > 0 && max > min, `${min} to ${max}`);
  await settle(() => shown.budget.refine([1000000, 3000000]));
  assert.ok(shown.stats.nbHits > 0 && shown.stats.nbHits < all);
  assert.ok(shown.hits.items.every((item) => item.budget_yuan >= 1e6 && item.budget_yuan <= 3e6));
  await settle(() => shown.budget.refine([undefined, undefined]));

  await settle(() => shown.order.refine("demand:budget_yuan:desc"));
  const budgets = shown.hits.items.map((item) => item.budget_yuan);
  assert.deepEqual(budgets, budgets.toSorted((a, b) => b - a));

  const ids = new Set(shown.hits.items.map((item) => item.id));
  await settle(() => shown.pages.refine(1));
  assert.ok(shown.hits.items.every((item) => !ids.has(item.id)));

  // What somebody types above a list of values looks for values.
  shown.places.searchForItems("崂山");
  while (!shown.places.isFromSearch) await pause(10);
  assert.equal(shown.places.items[0].value, "370212");
  search.dispose();
});

test("scrolling, with facets that keep their zeros", async () => {
  const { search, shown, settle } = start({ finitePagination: false, keepZeroFacets: true });
  await settle(() => search.start());
  assert.equal(shown.hits.items.length, 20);
  const names = shown.progress.items.map((item) => item.value).sort();
  await settle(() => shown.box.refine("海水淡化反渗透膜元件国产替代"));
  assert.deepEqual(shown.progress.items.map((item) => item.value).sort(), names);
  search.dispose();
});
