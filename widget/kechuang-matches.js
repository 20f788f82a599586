// <kechuang-matches>: what may answer a demand, shown on any site. No dependency, no cookie, no storage.
//
//   <kechuang-matches src="https://sti.example" from="demand" to="achievement" for="problem"></kechuang-matches>
//
// `for` names a text field of the page whose text is the demand; `text` gives it directly; `record="demand/id"` shows
// the recommendations of a stored record. Attributes, events and parts: /embed on the host of `src`.
(() => {
  'use strict';
  if (customElements.get('kechuang-matches')) return;

  const origin = document.currentScript ? new URL(document.currentScript.src).origin : location.origin;
  const PAUSE = 800, LEAST = 15, TIMEOUT = 6000;
  const TEXTS = {
    zh: { title: n => `可能匹配的 ${n} 项`, none: '暂时没有可能匹配的内容', wait: '写满 15 个字后显示推荐', error: '暂时无法推荐' },
    en: { title: n => `${n} possible matches`, none: 'Nothing matches yet', wait: 'Recommendations appear after 15 characters', error: 'Recommendations are not available' },
  };
  const STYLE = `
:host { display: block; }
:host([hidden]) { display: none; }
.root { all: initial; display: block; direction: inherit; font: 400 var(--kechuang-font-size, medium)/1.6 var(--kechuang-font, system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans SC", sans-serif); color: var(--kechuang-ink, CanvasText); }
p { margin: 0 0 .5em; color: var(--kechuang-soft, #59646f); }
ol { margin: 0; padding: 0; list-style: none; }
li { padding: .625em 0; border-top: 1px solid var(--kechuang-line, #b9c2cc); }
a { color: var(--kechuang-accent, #0d4f94); font-weight: 600; }
a:focus-visible { outline: 3px solid #d97f00; outline-offset: 1px; }
small { display: block; font-size: .875em; color: var(--kechuang-soft, #59646f); }`;
  const make = (name, attributes, text) => {
    const node = document.createElement(name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  let sheet;
  try {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
  } catch { sheet = null; }

  class KechuangMatches extends HTMLElement {
    static observedAttributes = ['text', 'record', 'for'];
    #field; #timer; #request; #say; #list; #turn = 0; #composing = false;
    #typed = event => {
      this.#composing = event.type === 'compositionstart' || event.isComposing === true && event.type !== 'compositionend';
      clearTimeout(this.#timer);
      if (!this.#composing) this.#timer = setTimeout(() => this.refresh(), PAUSE);
    };

    connectedCallback() {
      if (!this.shadowRoot) {
        const root = this.attachShadow({ mode: 'open' });
        if (sheet && 'adoptedStyleSheets' in root) root.adoptedStyleSheets = [sheet];
        else root.append(make('style', {}, STYLE));
        const box = make('div', { class: 'root', part: 'box' });
        this.#say = make('p', { part: 'status' });
        this.#list = make('ol', { part: 'list' });
        box.append(this.#say, this.#list);
        root.append(box);
      }
      this.#watch(document.getElementById(this.getAttribute('for')));
      this.refresh();
    }

    disconnectedCallback() {
      this.#watch(null);
      clearTimeout(this.#timer);
      this.#request?.abort();
    }

    attributeChangedCallback() {
      if (!this.isConnected || !this.#list) return;
      this.#watch(document.getElementById(this.getAttribute('for')));
      this.refresh();
    }

    #watch(field) {
      for (const name of ['input', 'compositionstart', 'compositionend']) {
        this.#field?.removeEventListener(name, this.#typed);
        field?.addEventListener(name, this.#typed);
      }
      this.#field = field;
    }

    get #texts() { return /^en/i.test(this.lang || document.documentElement.lang) ? TEXTS.en : TEXTS.zh; }

    // Asks again and shows the answer.
    async refresh() {
      const turn = ++this.#turn, t = this.#texts, host = this.getAttribute('src') || origin;
      const text = (this.#field ? this.#field.value : this.getAttribute('text') || '').trim();
      const record = this.getAttribute('record'), to = this.getAttribute('to'), limit = Number(this.getAttribute('limit')) || 5;
      this.#request?.abort();
      if (!record && [...text].length < LEAST) {
        this.#say.textContent = t.wait;
        this.#list.replaceChildren();
        return;
      }
      const request = this.#request = new AbortController(), timer = setTimeout(() => request.abort(), TIMEOUT);
      try {
        let answer;
        if (record) {
          const url = new URL(`/v1/records/${record.split('/').map(encodeURIComponent).join('/')}/matches`, host);
          url.search = new URLSearchParams({ ...(to && { to }), limit });
          answer = await fetch(url, { signal: request.signal, credentials: 'omit' });
        } else {
          const kind = this.getAttribute('from');
          const body = JSON.stringify({ record: { kind, title: [...text].slice(0, 60).join(''), body: text }, to, limit });
          answer = await fetch(new URL('/v1/match', host), {
            method: 'POST', body, signal: request.signal, credentials: 'omit', headers: { 'content-type': 'application/json' },
          });
        }
        if (!answer.ok) throw new Error(String(answer.status));
        const { items } = await answer.json();
        if (turn === this.#turn) this.#show(items, host);
      } catch (error) {
        if (turn !== this.#turn) return;
        this.#say.textContent = t.error;
        this.#list.replaceChildren();
        this.dispatchEvent(new CustomEvent('kechuang:error', { bubbles: true, composed: true, detail: { error } }));
      } finally {
        clearTimeout(timer);
      }
    }

    #show(items, host) {
      const t = this.#texts;
      this.#say.textContent = items.length ? t.title(items.length) : t.none;
      this.#list.replaceChildren(...items.map(item => {
        const row = make('li', { part: 'item' });
        const path = `/records/${encodeURIComponent(item.kind)}/${encodeURIComponent(item.id)}`;
        row.append(make('a', { href: new URL(path, host).href, part: 'link' }, item.record.title));
        const reasons = (item.reasons || []).filter(reason => reason.value > 0).slice(0, 3).map(reason => reason.label);
        if (reasons.length) row.append(make('small', { part: 'reason' }, reasons.join(' · ')));
        return row;
      }));
      this.dispatchEvent(new CustomEvent('kechuang:matches', { bubbles: true, composed: true, detail: { items } }));
    }
  }

  customElements.define('kechuang-matches', KechuangMatches);
})();
