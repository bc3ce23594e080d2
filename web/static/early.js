// Before the first paint: theme and language, so that nothing flashes. A classic script in the head, on purpose.
(function () {
  var root = document.documentElement, kept = {};
  try { kept = JSON.parse(localStorage.getItem('kyutai-tts') || '{}') || {}; } catch { /* storage refused */ }
  var light = kept.theme === 'light' || (kept.theme === 'system' && matchMedia('(prefers-color-scheme: light)').matches);
  root.dataset.theme = light ? 'light' : 'dark';
  var chinese = kept.lang ? kept.lang === 'zh' : /^zh\b/i.test(navigator.language);
  root.dataset.js = ''; // the plain form is for those without
  root.lang = chinese ? 'zh-CN' : 'en';
  ['', '.clone', '.jobs', '.passages', '.styles'].forEach(function (part) { // with the modules that the head names
    var link = document.createElement('link');
    link.rel = 'modulepreload';
    link.href = document.currentScript.src.replace('early.js', 'js/strings.' + (chinese ? 'zh' : 'en') + part + '.js');
    document.head.append(link);
  });
})();
