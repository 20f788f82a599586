// The client of Meilisearch, as a program that moves over would use it. Asks the sample corpus.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Meilisearch, MeilisearchApiError } from "meilisearch";

const host = process.env.KECHUANG_URL;
const client = new Meilisearch({ host });
const demands = client.index("demand");

/** Fails unless the promise is refused with that status and code. */
async function refused(promise, status, code) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof MeilisearchApiError, String(error));
    assert.equal(error.response.status, status, error.message);
    assert.equal(error.cause.code, code, error.message);
    for (const member of ["message", "type", "link"]) assert.ok(error.cause[member]);
    return true;
  });
}

test("the server is a healthy one", async () => {
  assert.equal((await client.health()).status, "available");
  assert.equal(await client.isHealthy(), true);
  assert.match((await client.getVersion()).pkgVersion, /^\d+\.\d+\.\d+$/);
});

test("kinds are indexes", async () => {
  const { results, total } = await client.getIndexes({ limit: 3 });
  assert.equal(results.length, 3);
  assert.ok(total >= 8);
  const raw = await demands.getRawInfo();
  assert.equal(raw.primaryKey, "id");
  assert.ok(!Number.isNaN(new Date(raw.createdAt).getTime()));
  const stats = await client.getStats();
  assert.equal(stats.indexes.demand.numberOfDocuments, (await demands.getStats()).numberOfDocuments);
  assert.ok(stats.indexes.demand.numberOfDocuments > 50);
  await refused(client.index("nothing").search(""), 404, "index_not_found");
  await refused(client.index("nothing").getRawInfo(), 404, "index_not_found");
});

test("settings are what the kind's file declares", async () => {
  const settings = await demands.getSettings();
  assert.ok(settings.filterableAttributes.includes("budget_yuan"));
  assert.ok(!settings.filterableAttributes.includes("document_number"));
  assert.deepEqual(await demands.getSortableAttributes(), settings.sortableAttributes);
  assert.deepEqual(await demands.getPagination(), { maxTotalHits: 1000 });
  assert.equal(await demands.getDistinctAttribute(), null);
  assert.deepEqual(await demands.getSynonyms(), {});
});

test("words are looked for in titles alone", async () => {
  const everywhere = await demands.search("海水淡化", { matchingStrategy: "all" });
  const titles = await demands.search("海水淡化", { matchingStrategy: "all", attributesToSearchOn: ["title"] });
  assert.ok(titles.estimatedTotalHits > 0);
  assert.ok(titles.estimatedTotalHits < everywhere.estimatedTotalHits);
  for (const hit of titles.hits) assert.match(hit.title, /海水淡化/);
  await refused(demands.search("海水", { attributesToSearchOn: ["summary"] }), 400, "invalid_search_attributes_to_search_on");
});

test("a search finds, marks, crops and locates", async () => {
  const found = await demands.search("海水淡化", {
    attributesToRetrieve: ["id", "title", "budget_yuan"],
    attributesToHighlight: ["title"],
    attributesToCrop: ["summary:8"],
    highlightPreTag: "[",
    highlightPostTag: "]",
    showMatchesPosition: true,
    showRankingScore: true,
  });
  assert.equal(found.query, "海水淡化");
  assert.ok(found.estimatedTotalHits >= found.hits.length && found.hits.length > 0);
  const hit = found.hits.find((hit) => hit.title.includes("海水淡化"));
  assert.deepEqual(
    Object.keys(hit).filter((name) => !name.startsWith("_")).sort(),
    ["budget_yuan", "id", "title"],
  );
  assert.ok(hit._formatted.title.includes("[海水淡化]"), hit._formatted.title);
  assert.equal(typeof hit._formatted.budget_yuan, "string");
  const { start, length } = hit._matchesPosition.title[0];
  assert.equal(Buffer.from(hit.title).subarray(start, start + length).toString(), "海水淡化");
  const scores = found.hits.map((hit) => hit._rankingScore);
  assert.deepEqual(scores, scores.toSorted((a, b) => b - a));
  assert.ok(scores.every((score) => score > 0 && score < 1));
  const cropped = found.hits.map((hit) => hit._formatted.summary).filter(Boolean);
  assert.ok(cropped.every((text) => text.length <= 20), cropped.join("|"));
});

test("GET and POST answer the same", async () => {
  const parameters = { filter: "budget_yuan >= 1000000", sort: ["budget_yuan:desc"], limit: 4 };
  const posted = await demands.search("", parameters);
  const got = await demands.searchGet("", parameters);
  assert.deepEqual(got.hits, posted.hits);
  const budgets = posted.hits.map((hit) => hit.budget_yuan);
  assert.deepEqual(budgets, budgets.toSorted((a, b) => b - a));
});

test("filters mean what they mean in Meilisearch", async () => {
  const all = await demands.search("", { limit: 1000 });
  const check = async (filter, keep) => {
    const found = await demands.search("", { filter, limit: 1000 });
    const expected = all.hits.filter(keep).map((hit) => hit.id);
    assert.deepEqual(found.hits.map((hit) => hit.id).sort(), expected.sort(), JSON.stringify(filter));
    assert.equal(found.estimatedTotalHits, expected.length);
  };
  await check("budget_yuan 1000000 TO 3000000", (hit) => hit.budget_yuan >= 1e6 && hit.budget_yuan <= 3e6);
  await check("NOT budget_yuan > 1000000", (hit) => !(hit.budget_yuan > 1e6));
  await check('"progress"="seeking"', (hit) => hit.progress === "seeking");
  await check("progress IN [seeking, 'negotiating',]", (hit) => ["seeking", "negotiating"].includes(hit.progress));
  await check("progress NOT IN [seeking]", (hit) => hit.progress !== "seeking");
  await check("progress IN []", () => false);
  await check("budget_yuan NOT EXISTS", (hit) => hit.budget_yuan === undefined);
  await check("budget_yuan IS NOT NULL AND budget_yuan IS NOT EMPTY", (hit) => hit.budget_yuan !== undefined);
  await check("progress = 'no such thing'", () => false);
  await check(
    ["budget_yuan > 500000", ["progress = seeking", "cooperation_modes = license"]],
    (hit) => hit.budget_yuan > 5e5 && (hit.progress === "seeking" || hit.cooperation_modes?.includes("license")),
  );
  await check([], () => true);
  await refused(demands.search("", { filter: "title = x" }), 400, "invalid_search_filter");
  await refused(demands.search("", { filter: "budget_yuan >" }), 400, "invalid_search_filter");
  await refused(demands.search("", { filter: "_geoRadius(36, 120, 500)" }), 400, "invalid_search_filter");
});

test("facets count what their values select", async () => {
  const found = await demands.search("", { facets: ["*"], limit: 0 });
  assert.equal(found.hits.length, 0);
  const { facetDistribution, facetStats } = found;
  assert.ok(facetStats.budget_yuan.min > 0 && facetStats.budget_yuan.max > facetStats.budget_yuan.min);
  const largest = await demands.search("", { sort: ["budget_yuan:desc"], limit: 1 });
  assert.equal(facetStats.budget_yuan.max, largest.hits[0].budget_yuan);
  let checked = 0;
  for (const [name, values] of Object.entries(facetDistribution)) {
    for (const [value, count] of Object.entries(values).slice(0, 4)) {
      const chosen = await demands.search("", { filter: `"${name}"="${value}"`, limit: 0 });
      assert.equal(chosen.estimatedTotalHits, count, `${name} ${value}`);
      checked += 1;
    }
  }
  assert.ok(checked > 15, `${checked} values`);
  const values = await demands.searchForFacetValues({ facetName: "division_code", facetQuery: "崂山" });
  assert.equal(values.facetHits[0].value, "370212");
  assert.equal(values.facetHits[0].count, facetDistribution.division_code["370212"]);
  await refused(demands.search("", { facets: ["title"] }), 400, "invalid_search_facets");
  await refused(demands.searchForFacetValues({ facetName: "title" }), 400, "invalid_facet_search_facet_name");
});

test("pages are finite and add up", async () => {
  const first = await demands.search("技术", { page: 1, hitsPerPage: 7 });
  const ids = new Set();
  for (let page = 1; page <= first.totalPages; page += 1) {
    const found = await demands.search("技术", { page, hitsPerPage: 7 });
    assert.equal(found.page, page);
    found.hits.forEach((hit) => ids.add(hit.id));
  }
  assert.equal(ids.size, first.totalHits);
  assert.equal(first.totalPages, Math.ceil(first.totalHits / 7));
  const none = await demands.search("技术", { page: 1, hitsPerPage: 0 });
  assert.deepEqual([none.hits.length, none.totalHits, none.totalPages], [0, first.totalHits, 0]);
});

test("every word, when every word is wanted", async () => {
  const query = "海水淡化 反渗透膜 国产替代 量子";
  const loose = await demands.search(query);
  const strict = await demands.search(query, { matchingStrategy: "all" });
  assert.ok(loose.estimatedTotalHits > strict.estimatedTotalHits);
});

test("several searches at once", async () => {
  const queries = [
    { indexUid: "demand", q: "海水", limit: 2 },
    { indexUid: "policy", q: "高新技术企业", limit: 3, facets: ["validity"] },
  ];
  const { results } = await client.multiSearch({ queries });
  assert.deepEqual(results.map((result) => result.indexUid), ["demand", "policy"]);
  assert.equal(results[1].hits.length, 3);
  assert.ok(results[1].facetDistribution.validity);
  await refused(client.multiSearch({ queries: [queries[0], { indexUid: "no" }] }), 404, "index_not_found");
});

test("one list of several indexes", async () => {
  const queries = [
    { indexUid: "demand", q: "海水淡化" },
    { indexUid: "achievement", q: "海水淡化", federationOptions: { weight: 0.9 } },
  ];
  const federation = { limit: 12, facetsByIndex: { demand: ["progress"] } };
  const found = await client.multiSearch({ federation, queries });
  assert.equal(found.hits.length, 12);
  const scores = found.hits.map((hit) => hit._federation.weightedRankingScore);
  assert.deepEqual(scores, scores.toSorted((a, b) => b - a));
  assert.equal(new Set(found.hits.map((hit) => hit._federation.indexUid)).size, 2);
  assert.ok(found.facetsByIndex.demand.distribution.progress.seeking > 0);
  const next = await client.multiSearch({ federation: { ...federation, offset: 6, limit: 6 }, queries });
  assert.deepEqual(next.hits.map((hit) => hit.id), found.hits.slice(6).map((hit) => hit.id));
  const merged = await client.multiSearch({
    federation: { facetsByIndex: { demand: ["kind"], achievement: ["kind"] }, mergeFacets: {} },
    queries,
  });
  assert.deepEqual(Object.keys(merged.facetDistribution.kind).sort(), ["achievement", "demand"]);
  await refused(
    client.multiSearch({ federation: {}, queries: [{ ...queries[0], limit: 3 }] }),
    400,
    "invalid_multi_search_query_pagination",
  );
});

test("documents are read one by one and in lists", async () => {
  const page = await demands.getDocuments({ limit: 5, offset: 2, fields: ["id", "title"] });
  assert.equal(page.results.length, 5);
  assert.deepEqual(Object.keys(page.results[0]).sort(), ["id", "title"]);
  const document = await demands.getDocument(page.results[0].id);
  assert.equal(document.title, page.results[0].title);
  assert.equal(document.contact, undefined, "what only registered callers see is absent");
  const filtered = await demands.getDocuments({ filter: ["progress = seeking"], limit: 1000 });
  assert.equal(filtered.total, filtered.results.length);
  assert.ok(filtered.results.every((document) => document.progress === "seeking"));
  const chosen = await demands.getDocuments({ ids: [document.id, "nothing"] });
  assert.deepEqual(chosen.results.map((document) => document.id), [document.id]);
  await refused(demands.getDocument("nothing"), 404, "document_not_found");
  await refused(demands.getDocuments({ limit: 5000 }), 400, "invalid_document_limit");
});

test("what is not served is refused by name", async () => {
  await refused(demands.search("a", { distinct: "organization" }), 400, "invalid_search_distinct");
  await refused(demands.search("a", { rankingScoreThreshold: 0.5 }), 400, "invalid_search_ranking_score_threshold");
  await refused(demands.search("a", { sort: ["budget_yuan:asc", "expires_on:asc"] }), 400, "invalid_search_sort");
  await refused(demands.search("a", { hybrid: { embedder: "x" } }), 400, "invalid_search_hybrid");
  await refused(demands.search("a".repeat(513)), 400, "invalid_search_q");
  await refused(demands.addDocuments([{ id: 1 }]), 405, "method_not_allowed");
  await refused(demands.updateSettings({ synonyms: {} }), 405, "method_not_allowed");
  await refused(demands.deleteAllDocuments(), 405, "method_not_allowed");
  await refused(new Meilisearch({ host, apiKey: "nobody" }).index("demand").search("a"), 403, "invalid_api_key");
});
