// The look that the page remembers, before the first paint; Swagger UI itself speaks English only.
(function () {
  var root = document.documentElement, kept = {};
  try { kept = JSON.parse(localStorage.getItem('kyutai-tts') || '{}') || {}; } catch { /* storage refused */ }
  var light = kept.theme === 'light' || (kept.theme === 'system' && matchMedia('(prefers-color-scheme: light)').matches);
  var chinese = kept.lang ? kept.lang === 'zh' : /^zh\b/i.test(navigator.language);
  root.classList.toggle('dark-mode', !light);
  document.addEventListener('DOMContentLoaded', function () {
    document.querySelector('.ours').lang = chinese ? 'zh-CN' : 'en';
    document.getElementById('back').textContent = chinese ? '← 返回页面' : '← Back to the page';
    document.getElementById('what').textContent = chinese ? 'API 文档（英文）' : 'API documentation';
  });
})();
