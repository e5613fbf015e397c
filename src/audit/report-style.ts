/**
 * The style of an audit's report: system fonts, light and dark, any width from 320 px, both
 * directions of writing, and print.
 */

/** The style sheet. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--ink:#14181c;--soft:#4b555f;--paper:#fff;--line:#8a949e;--good:#0f5c2e;--bad:#9b1c1c;--warn:#6b4700;--curve:#0b4f8a}
@media(prefers-color-scheme:dark){:root{--ink:#eceff2;--soft:#b4bdc6;--paper:#14181c;--line:#75808b;--good:#8fe0ac;--bad:#ffa8a3;--warn:#ffd591;--curve:#8fc7ff}}
*{box-sizing:border-box}
html{font:100%/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans Arabic",Arial,sans-serif}
body{margin:0;background:var(--paper);color:var(--ink);overflow-wrap:anywhere}
main{max-width:60rem;margin:auto;padding:1rem}
h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.25rem;margin-top:2rem}
.verdict{font-size:1.2rem;font-weight:700;border:2px solid;border-inline-start-width:.5rem;border-radius:.3rem;padding:.7rem 1rem}
.clean{color:var(--good)}.inconsistent{color:var(--bad)}.unfinished{color:var(--warn)}
dl{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:.3rem 1rem}dt,caption,figcaption,th{color:var(--soft)}dd{margin:0;min-width:0;unicode-bidi:plaintext}
[dir=rtl] dd{text-align:right}
.told li{margin-block:.8rem}
code{font-family:ui-monospace,Consolas,"Liberation Mono",monospace;font-size:.85em;unicode-bidi:isolate;direction:ltr}
.scroll{overflow-x:auto}.scroll:focus-visible{outline:3px solid var(--curve)}
table{border-collapse:collapse;width:100%;min-width:44rem}caption{text-align:start}
th,td{text-align:start;vertical-align:top;padding:.4rem .5rem;border-bottom:1px solid var(--line)}td.number,th{font-variant-numeric:tabular-nums;white-space:nowrap}
figure{margin:1rem 0}svg{width:100%;height:auto}svg path{fill:none;stroke:var(--curve);stroke-width:2.5}svg line{stroke:var(--line)}svg .grid{stroke-dasharray:4 4}svg text{fill:var(--ink);font-size:14px}
@media(max-width:40rem){svg text{font-size:26px}dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}}
@media print{:root{color-scheme:light;--ink:#000;--soft:#333;--paper:#fff;--good:#000;--bad:#000;--warn:#000;--curve:#000;--line:#666}.scroll{overflow:visible}table{min-width:0;font-size:.75rem}tr,figure,li{break-inside:avoid}}
`
