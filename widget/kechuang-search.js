// <kechuang-search>: suggestions around a form that works without this script. Everything that can be set: /embed on
// the form's host.
(() => {
  'use strict';
  if (customElements.get('kechuang-search')) return;

  const script = document.currentScript;
  // Milliseconds; while an input method composes, only a longer pause asks, with the pinyin.
  const COMPOSING = 450, COMMITTED = 60, TYPED = 130, ANNOUNCE = 600, TIMEOUT = 4000, KEPT = 60;
  const TEXTS = {
    zh: {
      button: '搜索', placeholder: '名称、文号、技术、单位……', list: '检索建议',
      none: '没有建议', found: n => `找到 ${n} 条建议，用上下方向键浏览`,
      results: n => `找到 ${n} 条结果`, all: '查看全部结果', error: '暂时无法检索',
    },
    en: {
      button: 'Search', placeholder: 'Name, number…', list: 'Suggestions',
      none: 'No suggestions', found: n => `${n} suggestions, use the arrow keys`,
      results: n => `${n} results`, all: 'All results', error: 'Search is not available',
    },
  };
  const STYLE = `
:host { display: block; min-width: 0; }
:host([hidden]) { display: none; }
.root { all: initial; --r: var(--kechuang-radius, 6px); display: block; direction: inherit; font: 400 var(--kechuang-font-size, medium)/1.5 var(--kechuang-font, system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans SC", sans-serif); color: var(--kechuang-ink, CanvasText); }
:host([dir="rtl"]) .root { direction: rtl; }
form { display: flex; margin: 0; position: relative; }
input, button { all: unset; box-sizing: border-box; min-height: var(--kechuang-height, 44px); font: inherit; border-radius: var(--r); }
input { flex: 1; min-width: 0; padding: .375em .875em; cursor: text; color: inherit; background: var(--kechuang-paper, Canvas); border: 1px solid var(--kechuang-border, #75828f); border-inline-end: 0; border-start-end-radius: 0; border-end-end-radius: 0; text-align: start; }
input::placeholder { color: var(--kechuang-soft, #59646f); opacity: 1; }
input::-webkit-search-cancel-button { display: none; }
button { padding: 0 1.25em; cursor: pointer; font-weight: 600; white-space: nowrap; color: var(--kechuang-accent-ink, #fff); background: var(--kechuang-accent, #0d4f94); border-start-start-radius: 0; border-end-start-radius: 0; text-align: center; }
input:focus-visible, button:focus-visible, a:focus-visible { outline: 3px solid #d97f00; outline-offset: 1px; z-index: 1; }
ul { all: unset; box-sizing: border-box; display: none; position: absolute; top: 100%; inset-inline: 0; z-index: 9999; margin: 0; padding: .25em; overflow: auto; max-height: min(26em, 60vh); background: var(--kechuang-paper, Canvas); color: inherit; border: 1px solid var(--kechuang-line, #b9c2cc); border-radius: var(--r); box-shadow: var(--kechuang-shadow, 0 6px 20px #0003); }
ul.open { display: block; }
ul[popover] { position: fixed; inset: auto; }
li { display: flex; align-items: center; gap: .75em; min-height: 44px; padding: .25em .75em; border-radius: 4px; cursor: pointer; }
li[aria-selected="true"], li[role="option"]:hover { background: var(--kechuang-active, #8ab4dc3d); }
li[aria-selected="true"] { outline: 2px solid var(--kechuang-accent, #0d4f94); outline-offset: -2px; }
li > :first-child { flex: 1; min-width: 0; overflow-wrap: anywhere; }
b { font-weight: 600; color: var(--kechuang-hit, #b3261e); }
small { font-size: .8125em; color: var(--kechuang-soft, #59646f); white-space: nowrap; }
ol, p { margin: .75em 0 0; padding: 0; list-style: none; }
ol > li { display: block; cursor: auto; padding-inline: 0; }
a { color: var(--kechuang-accent, #0d4f94); }
@media (prefers-color-scheme: dark) { .auto { color-scheme: dark; --kechuang-soft: #abb6c1; --kechuang-hit: #ffb4a8; } .auto a { color: #8fc3f5; } }
@media (forced-colors: active) { li[aria-selected="true"] { outline-color: Highlight; } button { border: 1px solid; } }`;

  let count = 0, sheet;
  const make = (name, attributes = {}, text) => {
    const node = document.createElement(name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const pieces = (node, parts) => {
    for (const part of parts) node.append(part.hit ? make('b', { part: 'hit' }, part.text) : part.text);
    return node;
  };

  class KechuangSearch extends HTMLElement {
    #input; #list; #form; #status; #inline; #timer; #say; #request;
    #turn = 0; #composing = false; #items = []; #active = -1; #cache = new Map(); #place = () => this.#position();

    connectedCallback() {
      const build = () => this.isConnected && !this.shadowRoot && this.#build();
      // The form works meanwhile.
      if (this.#light && window.requestIdleCallback) requestIdleCallback(build); else build();
      addEventListener('scroll', this.#place, { capture: true, passive: true });
      addEventListener('resize', this.#place, { passive: true });
    }

    disconnectedCallback() {
      removeEventListener('scroll', this.#place, { capture: true });
      removeEventListener('resize', this.#place);
      clearTimeout(this.#timer);
      clearTimeout(this.#say);
      this.#request?.abort();
      this.#close();
    }

    get value() { return this.#input ? this.#input.value : this.#own?.value ?? ''; }
    set value(text) { const input = this.#input || this.#own; if (input) input.value = text; }
    focus(options) { (this.#input || this.#own)?.focus(options); }

    // The form that works without script, and its input.
    get #light() { return this.querySelector('form'); }
    get #own() { return this.#light?.querySelector('[name="q"]'); }
    get #texts() { return /^en/i.test(this.lang || document.documentElement.lang) ? TEXTS.en : TEXTS.zh; }
    get #action() { return new URL(this.getAttribute('action') || this.#light?.action || '/search', script?.src || location.href); }

    #build() {
      const t = this.#texts, id = `kechuang-${++count}`, own = this.#own, root = this.attachShadow({ mode: 'open' });
      const focused = own && document.activeElement === own;
      try {
        if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(STYLE);
        root.adoptedStyleSheets = [sheet];
      } catch {
        root.append(make('style', {}, STYLE));
      }
      const box = make('div', { class: getComputedStyle(this).colorScheme.includes('dark') ? 'root auto' : 'root' });
      this.#form = make('form', { role: 'search', part: 'form' });
      this.#input = make('input', {
        type: 'search', part: 'input', role: 'combobox', autocomplete: 'off', spellcheck: 'false', maxlength: '512',
        enterkeyhint: 'search', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': id,
        'aria-label': own?.labels?.[0]?.textContent.trim() || t.button,
        placeholder: this.getAttribute('placeholder') || own?.placeholder || t.placeholder,
      });
      this.#input.value = own?.value ?? '';
      this.#list = make('ul', { id, role: 'listbox', part: 'popup', 'aria-label': t.list });
      if ('popover' in this.#list) this.#list.popover = 'manual';
      this.#form.append(this.#input, make('button', { part: 'button' }, this.#light?.querySelector('button')?.textContent.trim() || t.button), this.#list);
      this.#inline = make('div', { part: 'results' });
      box.append(make('slot', { name: 'with' }), this.#form, this.#inline, make('slot', { name: 'status' }));
      root.append(box);
      // Readers miss live regions in shadow roots, and late ones.
      this.#status = make('span', { role: 'status', slot: 'status' });
      Object.assign(this.#status.style, { position: 'absolute', width: '1px', height: '1px', overflow: 'hidden', clipPath: 'inset(50%)', whiteSpace: 'nowrap' });
      this.append(this.#status);

      const input = this.#input;
      input.addEventListener('compositionstart', () => { this.#composing = true; });
      input.addEventListener('compositionend', () => { this.#composing = false; this.#later(COMMITTED); });
      input.addEventListener('input', event => this.#later(this.#composing || event.isComposing ? COMPOSING : TYPED));
      input.addEventListener('keydown', event => this.#key(event));
      input.addEventListener('blur', () => this.#close());
      this.#list.addEventListener('mousedown', event => event.preventDefault());
      this.#list.addEventListener('click', event => {
        const option = event.target.closest('[role="option"]');
        if (option) this.#choose([...this.#list.children].indexOf(option));
      });
      this.#form.addEventListener('submit', event => { event.preventDefault(); this.#submit(); });
      if (focused) input.focus();
      this.dataset.ready = '';
      this.#emit('ready');
    }

    // Tells the page; false when it takes over.
    #emit(name, detail = {}) {
      return this.dispatchEvent(new CustomEvent(`kechuang:${name}`, { bubbles: true, composed: true, cancelable: true, detail }));
    }

    #later(wait) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#ask(), wait);
    }

    // What an input method shows while composing is pinyin with marks between the syllables.
    #typed() {
      const text = this.#input.value.trim();
      return this.#composing ? text.replace(/['’\s]/g, '') : text;
    }

    async #ask() {
      const q = this.#typed(), turn = ++this.#turn;
      this.#request?.abort();
      if (!/\p{Script=Han}|\p{L}{2}|\d{2}/u.test(q)) return this.#close();
      const url = new URL('/v1/suggest', this.#action);
      url.search = new URLSearchParams({ q, limit: 8 });
      const kind = this.#kind();
      if (kind) url.searchParams.set('kind', kind);
      this.#emit('query', { q });
      let items = this.#cache.get(url.href);
      if (!items) {
        const request = this.#request = new AbortController();
        const timer = setTimeout(() => request.abort(), TIMEOUT);
        try {
          const answer = await fetch(url, { signal: request.signal, credentials: 'omit', referrerPolicy: 'origin' });
          if (!answer.ok) throw new Error(String(answer.status));
          items = (await answer.json()).items;
        } catch (error) {
          if (turn === this.#turn) {
            this.#close();
            this.#emit('error', { error });
          }
          return;
        } finally {
          clearTimeout(timer);
        }
        if (this.#cache.size >= KEPT) this.#cache.delete(this.#cache.keys().next().value);
        this.#cache.set(url.href, items);
      }
      if (turn === this.#turn) this.#show(items, q);
    }

    #kind() {
      return this.getAttribute('kind') ?? (this.#light ? new FormData(this.#light).get('kind') : '') ?? '';
    }

    #show(items, q) {
      const t = this.#texts;
      this.#items = items;
      this.#active = -1;
      this.#list.replaceChildren(...items.map((item, at) => {
        const option = make('li', { role: 'option', part: 'option', id: `${this.#list.id}-${at}`, 'aria-selected': 'false', 'aria-posinset': at + 1, 'aria-setsize': items.length });
        const from = item.text.toLowerCase().indexOf(q.toLowerCase()), to = from + q.length;
        const parts = item.highlights || (from < 0 ? [{ text: item.text }] : [
          { text: item.text.slice(0, from) }, { text: item.text.slice(from, to), hit: true }, { text: item.text.slice(to) },
        ]);
        option.append(pieces(make('span'), parts));
        if (item.label) option.append(make('small', { part: 'kind' }, item.label[t === TEXTS.en ? 'en' : 'zh']));
        return option;
      }));
      const root = this.shadowRoot;
      if (items.length && root.activeElement === this.#input) this.#open(); else this.#close();
      clearTimeout(this.#say);
      this.#say = setTimeout(() => { this.#status.textContent = items.length ? t.found(items.length) : t.none; }, ANNOUNCE);
      this.#emit('results', { q, items });
    }

    #open() {
      if (!this.#items.length) return;
      this.#list.classList.add('open');
      if (this.#list.popover && !this.#list.matches(':popover-open')) this.#list.showPopover();
      this.#input.setAttribute('aria-expanded', 'true');
      this.#position();
    }

    #close() {
      if (!this.#list) return;
      this.#list.classList.remove('open');
      if (this.#list.popover && this.#list.matches(':popover-open')) this.#list.hidePopover();
      this.#input.setAttribute('aria-expanded', 'false');
      this.#activate(-1);
    }

    get #isOpen() { return this.#input.getAttribute('aria-expanded') === 'true'; }

    #position() {
      if (!this.#list?.popover || !this.#isOpen) return;
      const box = this.#form.getBoundingClientRect();
      Object.assign(this.#list.style, { left: `${box.left}px`, top: `${box.bottom + 2}px`, width: `${box.width}px` });
    }

    #activate(at) {
      const options = this.#list.children;
      options[this.#active]?.setAttribute('aria-selected', 'false');
      this.#active = at;
      const option = options[at];
      if (!option) return this.#input.removeAttribute('aria-activedescendant');
      option.setAttribute('aria-selected', 'true');
      option.scrollIntoView({ block: 'nearest' });
      this.#input.setAttribute('aria-activedescendant', option.id);
    }

    #key(event) {
      // Keys that an input method takes are its own.
      if (event.isComposing || this.#composing || event.keyCode === 229) return;
      const down = event.key === 'ArrowDown', up = event.key === 'ArrowUp';
      if (down || up) {
        event.preventDefault();
        if (event.altKey) return down ? this.#open() : this.#close();
        if (!this.#isOpen) return this.#items.length ? this.#open() : this.#ask();
        // One place more: no selection.
        const places = this.#items.length + 1;
        this.#activate((this.#active + 1 + (down ? 1 : places - 1)) % places - 1);
      } else if (event.key === 'Enter' && this.#isOpen && this.#active >= 0) {
        event.preventDefault();
        this.#choose(this.#active);
      } else if (event.key === 'Escape') {
        if (!this.#isOpen && !this.#input.value) return;
        event.preventDefault();
        if (this.#isOpen) this.#close(); else this.#input.value = '';
      } else if (event.key === 'Tab') {
        this.#close();
      }
    }

    #choose(at) {
      const item = this.#items[at];
      if (!item) return;
      this.#input.value = item.text;
      this.#close();
      if (!this.#emit('select', { item, position: at + 1 })) return;
      if (!item.id) return this.#submit();
      this.#count(item, at + 1);
      location.assign(this.#page(item));
    }

    #page({ kind, id }) { return new URL(`/records/${encodeURIComponent(kind)}/${encodeURIComponent(id)}`, this.#action); }

    // Which result was opened, and its place; nothing of who.
    #count({ kind, id }, position) {
      if (this.getAttribute('analytics') === 'off' || navigator.doNotTrack === '1' || navigator.globalPrivacyControl) return;
      navigator.sendBeacon(new URL('/v1/clicks', this.#action), JSON.stringify({ kind, id, position }));
    }

    #submit() {
      this.#close();
      const url = this.#action, q = this.#input.value.trim();
      const fields = this.#light ? new FormData(this.#light) : new FormData();
      fields.set('q', q);
      if (this.hasAttribute('kind')) fields.set('kind', this.getAttribute('kind'));
      if (this.hasAttribute('division')) fields.append('select', `division_code:${this.getAttribute('division')}`);
      url.search = new URLSearchParams([...fields].filter(([, value]) => typeof value === 'string' && value));
      if (!this.#emit('submit', { q, url: url.href })) return;
      if (this.getAttribute('results') === 'inline') this.#below(url); else location.assign(url);
    }

    // Shows the first results below the box.
    async #below(page) {
      const t = this.#texts, url = new URL('/v1/search', page), turn = ++this.#turn;
      url.search = page.search;
      url.searchParams.delete('lang');
      url.searchParams.set('limit', '5');
      try {
        const answer = await fetch(url, { credentials: 'omit', referrerPolicy: 'origin' });
        if (!answer.ok) throw new Error(String(answer.status));
        const found = await answer.json();
        if (turn !== this.#turn) return;
        const list = make('ol');
        for (const [at, item] of found.items.entries()) {
          const row = make('li', { part: 'result' }), link = make('a', { href: this.#page(item) });
          link.addEventListener('click', () => this.#count(item, at + 1));
          row.append(pieces(link, item.highlights.title || [{ text: item.record.title }]));
          list.append(row);
        }
        const more = make('p');
        more.append(make('a', { href: page.href }, t.all));
        this.#inline.replaceChildren(list, more);
        this.#status.textContent = t.results(found.total);
      } catch (error) {
        this.#inline.replaceChildren(make('p', {}, t.error));
        this.#emit('error', { error });
      }
    }
  }

  customElements.define('kechuang-search', KechuangSearch);

  // The script alone.
  const mount = script?.dataset.mount;
  if (script && (mount || 'here' in script.dataset)) {
    const place = mount ? document.querySelector(mount) : null;
    const element = make('kechuang-search', { action: new URL('/search', script.src).href });
    for (const name of ['kind', 'division', 'lang', 'placeholder', 'results']) {
      if (script.dataset[name]) element.setAttribute(name, script.dataset[name]);
    }
    if (place) place.append(element); else script.after(element);
  }
})();
