// Gives frames of /embed/search the height of what they show, so that they need no bars of their own. Without this
// script a frame keeps the height that it is given.
(() => {
  'use strict';
  const { origin } = new URL(document.currentScript.src);
  addEventListener('message', ({ data, origin: from, source }) => {
    // Only our own page, and only the frame that it is in.
    if (from !== origin || data?.type !== 'kechuang:height') return;
    const height = Math.ceil(Number(data.height));
    if (!(height > 0 && height <= 5000)) return;
    for (const frame of document.querySelectorAll('iframe')) {
      if (frame.contentWindow === source) frame.height = height;
    }
  });
})();
