// What can be measured of whether everybody can use the page as it is rendered now. Gives what is wrong.
(() => {
  const faults = [];
  const say = (what, e) => faults.push(what + ': ' + (e.id || e.getAttribute('class') || e.tagName) + ' "' + (e.textContent || '').trim().slice(0, 30) + '"');
  const shown = (e) => e.checkVisibility() && e.getBoundingClientRect().width > 0;
  const all = (selector) => [...document.querySelectorAll(selector)].filter(shown);
  const style = (e) => getComputedStyle(e);

  // Structure (WCAG 2.2 1.3.1, 2.4.2, 3.1.1, 4.1.2)
  if (document.querySelectorAll('h1').length !== 1 || document.querySelectorAll('main').length !== 1) faults.push('want one h1 and one main');
  if (!document.title || !document.documentElement.lang) faults.push('title or language is missing');
  const viewport = document.querySelector('meta[name=viewport]')?.content || '';
  if (!viewport.includes('width=device-width') || /user-scalable|maximum-scale/.test(viewport)) faults.push('the viewport does not follow the device, or cannot be zoomed: ' + viewport);
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  if (new Set(ids).size !== ids.length) faults.push('an id stands twice');
  let level = 0;
  for (const e of all('h1, h2, h3')) {
    if (e.tagName[1] - level > 1) say('a heading leaves out a level', e);
    level = Number(e.tagName[1]);
  }
  for (const e of all('img')) if (!e.hasAttribute('alt')) say('no alt', e);
  for (const e of all('svg')) if (e.getAttribute('aria-hidden') !== 'true') say('a picture that is read out', e);
  for (const e of all('nav, section')) if (!e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby') && e.className !== 'card') say('a part without a name', e);
  for (const e of all('a, button')) if (!e.textContent.trim() && !e.getAttribute('aria-label')) say('no name', e);
  if (document.querySelector('[tabindex]:not([tabindex="-1"])')) faults.push('a tabindex changes the order');

  // Fields (1.3.5, 3.3.1, 3.3.2)
  for (const e of all('input')) {
    if (!e.labels.length || !e.labels[0].textContent.trim()) say('no label', e);
    if (parseFloat(style(e).fontSize) < 16) say('iOS would zoom in', e);
    if (!e.autocomplete) say('no autocomplete', e);
    for (const id of (e.getAttribute('aria-describedby') || '').split(' ')) if (!document.getElementById(id)) say('describedby names nothing: ' + id, e);
    const fault = e.closest('.field').querySelector('.fault') || e.id === 'code' && /\btold\b/.test(e.getAttribute('aria-describedby')) && document.querySelector('.outcome.bad');
    if (!!fault !== (e.getAttribute('aria-invalid') === 'true') && e.id !== 'sum') say('marked and invalid are not the same', e);
  }

  // Size (2.5.5: 44 pixels; text is never smaller than 14)
  for (const e of all('a, button, input')) {
    const r = e.getBoundingClientRect();
    if (r.width < 44 || r.height < 44) say('too small to tap, ' + r.width + 'x' + r.height, e);
  }

  // Nothing sticks out, nothing is cut off (1.4.4, 1.4.10, 1.4.12)
  if (document.documentElement.scrollWidth > innerWidth) faults.push('the page is wider than the window: ' + document.documentElement.scrollWidth + ' of ' + innerWidth);
  for (const e of all('body *')) {
    const r = e.getBoundingClientRect();
    if (e.closest('.cells') && e.tagName === 'INPUT') continue; // a cell wider than its frame, which cuts nothing of six digits
    if (r.right > document.documentElement.clientWidth + 0.5 || r.left < -0.5) say('sticks out, ' + r.left + ' to ' + r.right, e);
    if (e.tagName !== 'INPUT' && e.className !== 'cells' && !(e instanceof SVGElement) && (e.scrollWidth > e.clientWidth + 1 && style(e).display !== 'inline' || e.scrollHeight > e.clientHeight + 1 && style(e).overflow !== 'visible')) say('is cut off', e);
  }

  // Colours (1.4.3, 1.4.11), as rendered
  const rgb = (c) => c.match(/[\d.]+/g).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => { const [x, y] = [lum(a), lum(b)]; return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
  const under = (e) => { for (; e; e = e.parentElement) { const c = rgb(style(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  let least = 21;
  for (const e of all('body *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own && e.tagName !== 'INPUT') continue;
    if (parseFloat(style(e).fontSize) < 14) say('text of ' + style(e).fontSize, e);
    const got = ratio(rgb(style(e).color), under(e));
    least = Math.min(least, got);
    if (got < 4.5) say('contrast ' + got.toFixed(2), e);
  }
  for (const e of all('input:not(.cells input), .cells')) if (ratio(rgb(style(e).borderTopColor), under(e.parentElement)) < 3) say('an edge that cannot be seen', e);
  for (const e of all('button')) if (ratio(rgb(style(e).backgroundColor), under(e.parentElement)) < 3) say('a button that cannot be seen', e);
  for (const e of all('.outcome svg')) if (ratio(rgb(style(e).stroke), under(e)) < 3) say('a picture that cannot be seen', e);
  return { faults, least };
})()
