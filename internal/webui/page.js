// The page works without this. It does the proof of work while the person types, keeps a second click from sending
// twice, counts a wait down, and fills in the code where the browser can read it from the SMS (WebOTP).
'use strict';
(() => {
  const form = document.getElementById('form');
  const button = document.getElementById('send');
  const state = document.getElementById('state');
  const label = button && button.textContent;
  document.querySelector('[autofocus]')?.focus(); // where autofocus comes late or not at all

  // SHA-256 (FIPS 180-4) of one block, first word only. crypto.subtle is slower for short texts, and is missing on plain http.
  const K = new Int32Array(64), W = new Int32Array(64);
  const H = new Int32Array(8);
  for (let c = 2, n = 0; n < 64; c++) {
    let prime = true;
    for (let d = 2; d * d <= c && prime; d++) prime = c % d !== 0;
    if (!prime) continue;
    if (n < 8) H[n] = Math.sqrt(c) * 4294967296 | 0;
    K[n++] = Math.cbrt(c) * 4294967296 | 0;
  }
  const firstWord = (m) => {
    for (let i = 0; i < 16; i++) W[i] = m[4 * i] << 24 | m[4 * i + 1] << 16 | m[4 * i + 2] << 8 | m[4 * i + 3];
    for (let i = 16; i < 64; i++) {
      const x = W[i - 15], y = W[i - 2];
      W[i] = W[i - 16] + W[i - 7] + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3) + ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10) | 0;
    }
    let a = H[0], b = H[1], c = H[2], d = H[3], e = H[4], f = H[5], g = H[6], h = H[7];
    for (let i = 0; i < 64; i++) {
      const t = h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (e & f ^ ~e & g) + K[i] + W[i] | 0;
      const u = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c) | 0;
      h = g; g = f; f = e; e = d + t | 0; d = c; c = b; b = a; a = t + u | 0;
    }
    return H[0] + a | 0;
  };

  const work = (token, bits, done) => {
    const m = new Uint8Array(64);
    let n = 0;
    const some = () => {
      for (const end = n + 6000; n < end; n++) {
        const text = token + ':' + n; // at most 55 characters: one block
        m.fill(0);
        for (let i = 0; i < text.length; i++) m[i] = text.charCodeAt(i);
        m[text.length] = 0x80;
        m[62] = text.length * 8 >> 8;
        m[63] = text.length * 8;
        if (Math.clz32(firstWord(m)) >= bits) return done(n);
      }
      setTimeout(some, 0);
    };
    some();
  };

  if (form) {
    let proven = !form.dataset.work, sending = false;
    const busy = () => {
      button.setAttribute('aria-disabled', 'true');
      button.textContent = form.dataset.busy;
      state.textContent = form.dataset.busy;
    };
    if (!proven) work(form.dataset.work, Number(form.dataset.bits), (n) => {
      form.elements.proof.value = n;
      proven = true;
      if (sending) form.submit();
    });
    form.addEventListener('submit', (e) => {
      if (sending || button.disabled) return e.preventDefault();
      sending = true;
      busy();
      if (!proven) e.preventDefault(); // sent when the work is done
    });
    addEventListener('pageshow', (e) => { if (e.persisted) location.reload(); }); // its proof is spent

    // What is pasted or typed full-width takes its cells: "０４８-213" is six digits, too.
    const code = form.elements.code;
    const tidy = () => {
      const plain = code.value.normalize('NFKC').replace(/[\s-]/g, '');
      if (plain !== code.value) code.value = plain;
    };
    code?.addEventListener('input', (e) => { if (!e.isComposing) tidy(); });
    code?.addEventListener('compositionend', tidy);

    if ('otp' in form.dataset && 'OTPCredential' in window) {
      const stop = new AbortController();
      form.addEventListener('submit', () => stop.abort());
      navigator.credentials.get({ otp: { transport: ['sms'] }, signal: stop.signal })
        .then((otp) => { form.elements.code.value = otp.code; })
        .catch(() => {});
    }
  }

  const wait = document.getElementById('wait');
  if (wait && form) {
    const end = Date.now() + wait.dataset.seconds * 1000;
    const units = wait.dataset.units.split(',');
    const left = wait.querySelector('strong');
    button.disabled = true;
    const tick = () => {
      const s = Math.ceil((end - Date.now()) / 1000);
      if (s <= 0) {
        button.disabled = false;
        wait.textContent = state.textContent = wait.dataset.over;
        return;
      }
      const parts = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
      left.textContent = parts.map((n, i) => n || i === 2 && s < 60 ? n + units[i] : '').filter(Boolean).join(units[3]);
      button.textContent = label;
      setTimeout(tick, (end - Date.now()) % 1000 || 1000);
    };
    tick();
  }
})();
