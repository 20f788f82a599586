// What our own pages do beyond links and forms. Everything here has a way without it.
(() => {
  'use strict';
  // HTML of our own server is the only HTML that becomes part of a page.
  const policy = globalThis.trustedTypes?.createPolicy('kechuang', { createHTML: html => html });
  const parse = html => {
    const template = document.createElement('template');
    template.innerHTML = policy ? policy.createHTML(html) : html;
    return template.content;
  };

  // Which result was opened, and its place; nothing of who.
  if (navigator.doNotTrack !== '1' && !navigator.globalPrivacyControl) {
    const first = Number(new URLSearchParams(location.search).get('offset')) || 0;
    document.querySelectorAll('.cards h2 a').forEach((link, at) => link.addEventListener('click', () => {
      const [, , kind, id] = link.pathname.split('/').map(decodeURIComponent), position = first + at + 1;
      if (position <= 100) navigator.sendBeacon('/v1/clicks', JSON.stringify({ kind, id, position }));
    }));
  }

  for (const button of document.querySelectorAll('[data-print]')) {
    button.hidden = false;
    button.addEventListener('click', () => print());
  }

  for (const button of document.querySelectorAll('[data-copy]')) {
    if (!navigator.clipboard) break;
    button.hidden = false;
    const label = button.textContent;
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = label; }, 2000);
    });
  }

  // Rows of a table of a form: one more, without asking the server.
  for (const button of document.querySelectorAll('[data-add-row]')) {
    button.addEventListener('click', event => {
      const rows = document.getElementById(button.dataset.addRow), last = rows?.lastElementChild;
      if (!last) return;
      event.preventDefault();
      const row = last.cloneNode(true), at = rows.children.length;
      for (const field of row.querySelectorAll('input, select')) {
        field.value = '';
        field.name = field.name.replace(/\d+/, at);
      }
      rows.append(row);
      row.querySelector('input, select')?.focus();
    });
  }

  // Recommendations and advice beside a form, while it is filled in: after a pause, never while composing.
  const form = document.querySelector('form[data-live]'), panel = document.getElementById('live');
  if (form && panel) {
    const PAUSE = 800;
    let timer, request, composing = false, sent = '';
    const ask = async () => {
      const body = new URLSearchParams(new FormData(form));
      if (composing || body.toString() === sent) return;
      sent = body.toString();
      request?.abort();
      request = new AbortController();
      try {
        const answer = await fetch(form.dataset.live, { method: 'POST', body, signal: request.signal });
        if (answer.ok) panel.replaceChildren(parse(await answer.text()));
      } catch { /* The button asks the same. */ }
    };
    const later = wait => { clearTimeout(timer); timer = setTimeout(ask, wait); };
    form.addEventListener('compositionstart', () => { composing = true; clearTimeout(timer); });
    form.addEventListener('compositionend', () => { composing = false; later(PAUSE); });
    form.addEventListener('input', event => { if (!event.isComposing && !composing) later(PAUSE); });
    form.addEventListener('change', () => { if (!composing) later(0); });
  }
})();
