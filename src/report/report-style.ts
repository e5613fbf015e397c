/** The style of a report: any width from 320 px, both directions of writing, light and dark, and A4. */

/** The style sheet. It is inside the report, which loads nothing. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--ink:#14181c;--soft:#4b555f;--paper:#fff;--line:#8a949e;--good:#0f5c2e;--bad:#9b1c1c;--warn:#6b4700;--calm:#2f4358}
@media(prefers-color-scheme:dark){:root{--ink:#eceff2;--soft:#b4bdc6;--paper:#14181c;--line:#75808b;--good:#8fe0ac;--bad:#ffa8a3;--warn:#ffd591;--calm:#c0d4e8}}
*{box-sizing:border-box}
html{font:100%/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans Arabic",Arial,sans-serif}
body{margin:0;background:var(--paper);color:var(--ink);overflow-wrap:anywhere}
main{max-inline-size:60rem;margin:auto;padding:1rem}
h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.2rem;margin-block:2rem .5rem}h3{font-size:1rem;margin-block:1rem .3rem}p{margin-block:.4rem}
.note{border:1px solid var(--line);padding:.6rem .9rem}.soft,dt,th{color:var(--soft)}
.good{--tone:var(--good)}.bad{--tone:var(--bad)}.warn{--tone:var(--warn)}.calm{--tone:var(--calm)}
section.card{border-block-start:2px solid var(--tone);border-inline-start:.35rem solid var(--tone);padding-inline-start:.9rem;margin-block:1.6rem}
.mark{color:var(--tone);font-weight:700}.sentence{font-size:1.1rem;font-weight:700}
dl{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:.2rem 1rem}dd{margin:0;min-inline-size:0}
table{border-collapse:collapse;inline-size:100%}caption{text-align:start;font-weight:700}th,td{text-align:start;vertical-align:top;padding:.3rem .5rem;border-block-end:1px solid var(--line)}td.count{text-align:end;font-variant-numeric:tabular-nums}
.hash{font-family:ui-monospace,Consolas,"Liberation Mono",monospace;font-size:.88em;direction:ltr;unicode-bidi:isolate;display:inline-block;text-align:start}
a{color:inherit}
@media(max-width:36rem){dl{grid-template-columns:1fr}dd{margin-block-end:.4rem}td,th{padding:.3rem .2rem}}
@page{size:A4;margin:14mm}
@media print{:root{color-scheme:light;--ink:#000;--soft:#333;--paper:#fff;--line:#777;--good:#000;--bad:#000;--warn:#000;--calm:#000}html{font-size:9pt;line-height:1.35}main{max-inline-size:none;padding:0}
tr,li,dt,dd,.head,.note{break-inside:avoid}h2,h3,caption,.sentence,.mark{break-after:avoid}thead{display:table-header-group}a{text-decoration:none}}
`.trim()
