/**
 * The site's one style sheet: system fonts, light and dark, any width from 320 px, both directions
 * of writing, and print.
 */

import { SHEET_STYLE } from './sheet-style.ts'

/** Rules for the verify tool and its frame, which is all that the offline verifier has. */
const TOOL = `
:root{color-scheme:light dark;
--ink:#16222a;--soft:#4b5860;--paper:#fcfbf8;--card:#fff;--panel:#f2f0ea;--line:#7f8a8f;--rule:#dcd8cd;--link:#00586e;--focus:#b35900;
--good:#0f5c2e;--good-bg:#e6f4ea;--bad:#9b1c1c;--bad-bg:#fdecec;--warn:#684600;--warn-bg:#fdf1d6;--calm:#2b4653;--calm-bg:#e7eff1;
--head:#0b3540;--head-soft:#c9dde1;--gold:#f2b34c;
--step-1:.9rem;--step0:1.0625rem;--step1:1.2rem;--step2:1.45rem;--step3:clamp(1.6rem,1.35rem + 1.2vw,2.1rem);--step4:clamp(1.85rem,1.4rem + 2.2vw,2.75rem);
--titles:Charter,"Bitstream Charter","Iowan Old Style",Cambria,Georgia,"Noto Serif","Noto Naskh Arabic",serif;
--mono:ui-monospace,SFMono-Regular,Consolas,"Liberation Mono",monospace}
@media(prefers-color-scheme:dark){:root{--ink:#edf1f2;--soft:#b3bfc4;--paper:#11181b;--card:#182226;--panel:#1d292e;--line:#74848b;--rule:#2f3d43;--link:#84d3e8;--focus:#ffb454;
--good:#8fe0ac;--good-bg:#12301f;--bad:#ffa8a3;--bad-bg:#3a1717;--warn:#ffd591;--warn-bg:#352808;--calm:#bcd6df;--calm-bg:#1b2e35;--head:#07252d}}
*{box-sizing:border-box}
html{font:100%/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans Arabic",Arial,sans-serif;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font-size:var(--step0);overflow-wrap:break-word}
a{color:var(--link);text-underline-offset:.15em}a:hover{text-decoration-thickness:.15em}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px;border-radius:2px}
.wrap{max-width:66rem;margin-inline:auto;padding-inline:1rem}
.skip{position:absolute;inset-inline-start:.5rem;inset-block-start:-6rem;background:var(--paper);color:var(--link);padding:.6rem 1rem;z-index:2}
.skip:focus{inset-block-start:.5rem}
.top{background:var(--head);color:#fff;padding-block:.8rem 0;border-block-end:4px solid var(--gold)}.top a,.top summary{color:#fff}.top :focus-visible{outline-color:#ffb454}
.bar{display:flex;flex-wrap:wrap;align-items:center;gap:.2rem 1.2rem}
.brand{font:700 1.4rem/1.2 var(--titles);text-decoration:none;display:inline-flex;align-items:center;gap:.6rem;min-height:44px}
.brand svg{inline-size:2.4rem;block-size:2.4rem;flex:none}
.tag{margin:0;color:var(--head-soft);font-size:var(--step-1);flex:1 1 8rem}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;margin:0;padding:0}
nav li a{display:inline-block;min-height:28px;padding-block:.15rem}nav [aria-current]{font-weight:700;text-decoration-thickness:.2em}
main{padding-block:1.5rem 3.5rem}
h1,h2,.card .sentence{font-family:var(--titles);line-height:1.2;text-wrap:balance}
h1{font-size:var(--step3);margin:.3rem 0 .8rem}h2{font-size:var(--step2);margin:2.6rem 0 .7rem}h3{font-size:var(--step0);margin:1.3rem 0 .3rem}
p{margin:.6rem 0}main p,main li,dd{max-inline-size:46rem}.lead{font-size:var(--step1);max-inline-size:44rem}.soft{color:var(--soft)}.small{font-size:var(--step-1)}
code,.hash{font-family:var(--mono);font-size:.88em;overflow-wrap:anywhere;unicode-bidi:isolate}
.hash{direction:ltr;display:inline-block;text-align:start}
.banner{display:flex;gap:.7rem;align-items:flex-start;border-inline-start:.35rem solid var(--warn);background:var(--warn-bg);color:var(--warn);padding:.6rem .9rem;margin-block:.8rem 1.4rem}
.banner p{margin:0}.banner svg{flex:none}
.button,button{font:inherit;font-weight:600;background:var(--head);color:#fff;border:2px solid var(--head);border-radius:.35rem;padding:.5rem 1.2rem;min-height:44px;cursor:pointer;text-decoration:none;display:inline-block}
.button:hover,button:hover{text-decoration:underline}
@media(prefers-color-scheme:dark){.button,button{border-color:#84d3e8}}
button.link{background:none;border:0;padding:0;color:var(--link);font-weight:400;text-decoration:underline;min-height:28px}button.link[aria-current]{font-weight:700}.button.quiet,button.quiet{background:transparent;color:var(--link);border-color:var(--link)}
input[type=text],input[type=search],input[type=password],input[type=date],input[type=datetime-local],textarea{font:inherit;inline-size:100%;max-inline-size:46rem;padding:.5rem .7rem;border:1px solid var(--line);border-radius:.35rem;background:var(--card);color:var(--ink);min-height:44px}
input[type=file]{font:inherit;max-inline-size:100%;min-height:32px;color:inherit}
select{font:inherit;min-height:32px;background:var(--card);color:var(--ink)}.top label{display:inline}.top p:not(.tag){margin:.3rem 0 0}
label{font-weight:600;display:block;margin-block:.7rem .25rem}
.drop{position:relative;border:2px dashed var(--line);border-radius:.8rem;background:var(--card);padding:1.8rem 1rem;text-align:center;margin-block:1rem}
.drop.over{border-color:var(--link);border-style:solid;background:var(--calm-bg)}.drop p{margin:.2rem auto .8rem;font-size:var(--step1)}.drop p.small{font-size:var(--step-1);color:var(--soft);margin-block-end:0}
.drop svg{inline-size:4.5rem;block-size:4.5rem;color:var(--link)}
.drop label.button{color:#fff;margin:0 0 .8rem}.drop input:focus-visible+label{outline:3px solid var(--focus);outline-offset:2px}
progress{inline-size:100%;block-size:1.1rem;accent-color:var(--link)}
.sum{list-style:none;padding:0}.sum li{margin-block:.3rem}.sum svg{color:var(--tone);vertical-align:-.3rem}
.card{border:1px solid var(--tone);border-inline-start-width:.4rem;border-radius:.5rem;margin-block:1.2rem;overflow:hidden;background:var(--card)}
.card>header{background:var(--tone-bg);color:var(--tone);padding:1rem;display:flex;gap:.9rem;align-items:flex-start}
.card>header svg.icon{flex:none;inline-size:2.6rem;block-size:2.6rem}
.card .mark{font-weight:700;margin:0;font-size:var(--step-1)}.card .sentence{margin:.15rem 0 0;font-size:var(--step1);line-height:1.35;font-weight:700;color:var(--ink)}
.card .body{padding:.4rem 1rem 1rem}
.good{--tone:var(--good);--tone-bg:var(--good-bg)}.bad{--tone:var(--bad);--tone-bg:var(--bad-bg)}.warn{--tone:var(--warn);--tone-bg:var(--warn-bg)}.calm{--tone:var(--calm);--tone-bg:var(--calm-bg)}
.checks{list-style:none;margin:.4rem 0;padding:0}.checks li{display:grid;grid-template-columns:1.6rem 1fr;gap:.4rem;padding-block:.4rem;border-block-start:1px solid var(--rule)}
.checks svg{inline-size:1.3rem;block-size:1.3rem;margin-block-start:.15rem}.checks b:first-letter{text-transform:capitalize}.checks b{display:inline-block}
.parts{margin-inline-start:.4rem;padding-inline-start:.8rem;border-inline-start:3px solid var(--line)}.detail{overflow-wrap:anywhere}.release summary .icon,p.release .icon{inline-size:1.3rem;block-size:1.3rem;vertical-align:text-bottom}.passed svg{color:var(--good)}.failed svg{color:var(--bad)}.not-run svg,.running svg{color:var(--soft)}
dl.facts{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:.45rem 1.2rem;margin:.8rem 0}dl.facts dt{color:var(--soft)}dl.facts dd{margin:0;min-inline-size:0;overflow-wrap:anywhere}
details{margin-block:.8rem}summary{cursor:pointer;min-height:28px;padding-block:.2rem;color:var(--link);font-weight:600}
.limits{border-block-start:1px solid var(--rule);padding-block-start:.8rem;margin-block-start:1.2rem;color:var(--soft)}
.only-print,[hidden]{display:none!important}
.sr{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
`
const TOOL_MEDIA = `
@media(max-width:36rem){select{font-size:var(--step-1)}.tag{order:1;flex-basis:100%}.menu{order:2}.menu ul{gap:0 1rem}.menu li a{min-height:36px;padding-block:.35rem .15rem}.bar{justify-content:space-between}dl.facts{grid-template-columns:1fr;gap:0}dl.facts dd{margin-block-end:.6rem}}
@media(prefers-reduced-motion:no-preference){.running svg{animation:turn 1.2s linear infinite}@keyframes turn{to{rotate:360deg}}}
@media(forced-colors:active){.chart rect,.share rect{fill:CanvasText}.card,.drop,.banner,.tiles>*,.picture{border:2px solid CanvasText}.tree path,.tree rect{stroke:CanvasText}.tree text{fill:CanvasText}.tree .lit{stroke:Highlight}.tree text.lit{stroke:none}.menu [aria-current]{border-color:Highlight}}
@media print{:root{--titles:system-ui,sans-serif;--step0:1rem;--step-1:.92rem;--step1:1.1rem;--step2:1.25rem;--card:#fff;--rule:#999;--ink:#000;--soft:#333;--paper:#fff;--panel:#fff;--line:#555;--link:#000;--warn:#000;--warn-bg:#fff;--bad:#000;--bad-bg:#fff;--calm:#000;--calm-bg:#fff;--good:#000;--good-bg:#fff;color-scheme:light}@page{margin:13mm 15mm 16mm}
html{font-size:8.6pt;line-height:1.26}.no-print,.skip,.top nav,.foot,.button,button{display:none!important}.only-print{display:block!important}}
`
/** Rules only for the site's other pages. */
const SITE = `
.scroll{overflow-x:auto;max-inline-size:100%}
table{border-collapse:collapse;inline-size:100%;margin-block:.6rem}caption{text-align:start;font-weight:600;padding-block:.3rem}
th,td{text-align:start;vertical-align:top;padding:.65rem .8rem;border-block-end:1px solid var(--rule)}th{color:var(--soft);font-weight:600;font-size:var(--step-1)}
td.num{font-variant-numeric:tabular-nums;white-space:nowrap}
.list{list-style:none;margin:.4rem 0;padding:0}.list>li{padding-block:.8rem;border-block-end:1px solid var(--rule);max-inline-size:none}.list>li:first-child{border-block-start:1px solid var(--rule)}
.list .name{font-weight:600;display:inline-block;min-height:24px;max-inline-size:100%;overflow-wrap:anywhere}h1,h2,bdi{overflow-wrap:anywhere}.list p{margin:.15rem 0;max-inline-size:none}
.badge{display:inline-block;border:1px solid currentColor;border-radius:.25rem;padding:.05rem .45rem;font-size:.9rem;font-weight:600}
.badge:first-letter{text-transform:capitalize}.badge.alert{color:var(--bad);background:var(--bad-bg)}.badge.note{color:var(--warn);background:var(--warn-bg)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.8rem;margin:.8rem 0;padding:0}
.figures div{border-block-start:3px solid var(--head);padding:.5rem 0}.figures dt{color:var(--soft);font-size:var(--step-1)}.figures dd{margin:0;font:700 var(--step1)/1.3 var(--titles);overflow-wrap:break-word}
@media(prefers-color-scheme:dark){.figures div{border-color:var(--line)}}
.menu{flex-basis:100%}.menu li a{display:block;text-decoration:none;min-height:44px;padding-block:.6rem .35rem;border-block-end:4px solid transparent}.menu li a:hover{text-decoration:underline}.menu [aria-current]{border-color:#fff}
.tongue{margin-inline-start:auto}.langs{position:relative;margin:0}.langs summary::marker{content:""}.langs summary::-webkit-details-marker{display:none}.langs summary::after{content:" ▾"}.langs summary svg{inline-size:1.2rem;block-size:1.2rem;vertical-align:-.2rem}.langs summary{min-height:44px;padding-block:.6rem;font-weight:400}.langs ul{flex-direction:column;gap:0;background:var(--card);border:1px solid var(--line);border-radius:.35rem;padding:.4rem;box-shadow:0 4px 16px #0004}.top .langs li a,.top .langs button.link{display:block;color:var(--link);min-height:36px;padding:.35rem .8rem;white-space:nowrap}
.hero{padding-block:.5rem 1rem}.hero h1{font-size:var(--step4);margin-block-end:.5rem}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,18rem),1fr));gap:0 2.5rem}.columns h2{margin-block-start:2rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,16rem),1fr));gap:1rem;margin-block:2rem}.tiles>*{background:var(--card);border:1px solid var(--rule);border-radius:.6rem;padding:.4rem 1.2rem 1rem}.tiles h2{font-size:var(--step1);margin-block:.8rem .3rem}.tiles svg{color:var(--link);inline-size:2.2rem;block-size:2.2rem;margin-block-start:.8rem}
.story{list-style:none;padding:0;margin:0;counter-reset:story}.story>li{counter-increment:story;display:grid;grid-template-columns:1fr;gap:.4rem 2.5rem;padding-block:1.6rem;border-block-end:1px solid var(--rule);max-inline-size:none}.story h2{font:700 var(--step1)/1.3 var(--titles);margin:0}.story h2::before{content:counter(story);display:inline-grid;place-items:center;inline-size:2rem;block-size:2rem;border-radius:50%;background:var(--head);color:#fff;font:700 var(--step0)/1 var(--titles);margin-inline-end:.6rem}
@media(min-width:36rem){.langs ul{position:absolute;inset-inline-end:0;z-index:3}}
@media(min-width:52rem){.story>li{grid-template-columns:1fr 1fr;align-items:center}}
.picture{background:var(--card);border:1px solid var(--rule);border-radius:.6rem;padding:1rem}.picture svg{display:block;inline-size:100%;max-inline-size:26rem;block-size:auto;margin-inline:auto}
.tree{--lit:#b35900}@media(prefers-color-scheme:dark){.tree{--lit:#ffb454}}.tree path{fill:none;stroke:var(--line);stroke-width:2}.tree rect{fill:var(--card);stroke:var(--line);stroke-width:1.5}.tree text{font:12px var(--mono);fill:var(--soft);text-anchor:middle}.tree .lit{stroke:var(--lit)}.tree path.lit{stroke-width:4}.tree text.lit{fill:var(--ink);font-weight:700}.tree text.lit,.tree text.given{stroke:none}.tree .given{stroke:var(--link);stroke-dasharray:4 3}
.line{list-style:none;margin:.6rem .6rem;padding:0 0 0 0;border-inline-start:3px solid var(--line)}.line li{position:relative;padding:.35rem 0 .6rem;padding-inline-start:1.1rem}
.line li::before{content:"";position:absolute;inset-inline-start:-.52rem;inset-block-start:.75rem;inline-size:.85rem;block-size:.85rem;border-radius:50%;background:var(--paper);border:3px solid var(--calm)}
.line li.alert::before{border-color:var(--bad);background:var(--bad);border-radius:0}
.line li.gap::before{display:none}.plain{list-style:none;margin:0;padding:0}
.tabs ul{margin-block:.6rem}.tabs li a{padding:.3rem .7rem;border:1px solid var(--line);border-radius:.3rem;min-height:32px}.tabs [aria-current]{background:var(--calm-bg);border-color:currentColor}
.steps{padding-inline-start:1.6rem}.steps>li{padding-block:.3rem}.steps>li>.icon{vertical-align:text-bottom}.steps code{background:var(--panel);display:block;max-inline-size:100%;text-align:left}.steps .hash{display:inline}
.raw{white-space:pre-wrap;font-family:ui-monospace,SFMono-Regular,Consolas,"Liberation Mono",monospace;font-size:.85rem;overflow-wrap:anywhere;background:var(--panel);padding:.5rem .7rem;border-radius:.3rem;text-align:left;unicode-bidi:isolate}
.path{font-size:.92rem}.path td,.path th{padding:.15rem .5rem;vertical-align:baseline}.path td:first-child{font-variant-numeric:tabular-nums}
.row{display:flex;flex-wrap:wrap;gap:.7rem;align-items:center;margin-block:.9rem}
.chart{display:block;inline-size:100%;block-size:8rem;background:var(--panel);border-block:1px solid var(--line)}.chart rect{fill:var(--link)}.scale{display:flex;justify-content:space-between;flex-wrap:wrap;gap:0 1rem;font-size:.9rem;margin:.2rem 0}
figure{margin:0}
.desk-bar{display:flex;flex-wrap:wrap;gap:.3rem 1.5rem;justify-content:space-between;align-items:center;border-block-end:1px solid var(--line);margin-block-end:1rem;padding-block-end:.6rem}.desk-bar form{display:flex;flex-wrap:wrap;gap:.4rem .8rem;align-items:center}.desk-bar ul{margin:0}
.field{margin-block:1.1rem}.field label{margin-block:0 .15rem}.field select{min-height:44px;max-inline-size:100%}.hint{margin:0 0 .3rem;color:var(--soft);max-inline-size:44rem}.fault{margin:0 0 .3rem;color:var(--bad);font-weight:600}[aria-invalid=true]{border:2px solid var(--bad)!important}
.from{color:var(--calm);background:var(--calm-bg);padding-inline:.3rem;border-radius:.2rem}.problems{border:3px solid var(--bad);border-radius:.3rem;padding:.2rem 1rem .6rem;margin-block:1rem}.problems h2{margin-block:.5rem}.problems a{color:var(--bad)}
.rows td:first-child{min-inline-size:9rem}.remarks{padding:0;list-style:none;max-inline-size:46rem}.remarks>li{border-inline-start:.2rem solid var(--warn);padding-inline-start:.6rem;margin-block:.4rem}.warnings{padding:0;list-style:none}.warnings>li{border-inline-start:.35rem solid var(--warn);background:var(--warn-bg);padding:.3rem .9rem;margin-block:.6rem}.warnings p{max-inline-size:46rem}.tick{display:flex;gap:.6rem;align-items:flex-start;min-height:28px}.tick input{inline-size:24px;block-size:24px;flex:none}.actions a{display:inline-block;min-height:24px}
.plot{display:grid;grid-template-columns:auto 1fr;gap:0 .5rem}.plot .axis{display:flex;flex-direction:column;justify-content:space-between;align-items:flex-end;margin:0;font-size:.9rem;line-height:1;max-inline-size:7rem;text-align:end}.plot .scale{grid-column:2;max-inline-size:none}.chart path{stroke:var(--rule);vector-effect:non-scaling-stroke}.share{display:block;inline-size:7rem;block-size:.6rem;margin-block-start:.2rem}.share rect{fill:var(--link)}
.local{color:var(--soft);font-weight:400;font-size:.9em;unicode-bidi:isolate}.qr{inline-size:9rem;block-size:9rem;background:#fff;padding:.3rem}
.foot{background:var(--panel);padding-block:1.4rem 2.4rem;font-size:var(--step-1)}.foot ul{list-style:none;padding:0;margin:.3rem 0;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem}.foot li a{display:inline-block;min-height:28px}
.byline{color:var(--soft)}.copy{font-size:.85rem;padding:.1rem .6rem;min-height:28px;font-weight:400}a.copy{padding-inline:0}.became{margin-block:.5rem}.proof pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem;background:var(--panel);padding:.5rem .7rem;margin-block:.3rem;text-align:left;unicode-bidi:isolate}
.logo{block-size:2.2rem;max-inline-size:9rem;object-fit:contain;vertical-align:middle;color-scheme:light;background:Canvas;margin-inline-end:.4rem}
.sign{display:grid;grid-template-columns:1fr;gap:1.6rem;margin-block-start:1rem}.sign div{border-block-start:1px solid currentColor;padding-block-start:.2rem;margin-block-start:1.4rem}
.filters{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(15rem,100%),1fr));gap:0 1.2rem;align-items:start}.filters select,.filters input{inline-size:100%;min-height:44px}
`
const SITE_MEDIA = `
@media(max-width:36rem){table.stack thead{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%)}
table.stack tr{display:block;padding-block:.5rem;border-block-end:1px solid var(--line)}table.stack td{display:block;border:0;padding:.1rem 0}table.stack td[data-label]::before{content:attr(data-label);display:block;color:var(--soft);font-size:.92rem}}
@media print{.local{display:none}.chart rect,.share rect{print-color-adjust:exact}.top{background:none;color:#000;padding:0;border-block-end:2px solid #000}.top a,.tag{color:#000}main{padding-block:.4rem}.wrap{max-width:none;padding:0}main p,main li,dd{max-inline-size:none}
h1{font-size:13pt;margin:.1rem 0 .3rem}h2{font-size:10.5pt;margin:.5rem 0 .15rem}.plain li{display:inline}.plain li+li::before{content:" · "}.tag{display:none}li,tr,.sign{break-inside:avoid}h2{break-after:avoid}table.stack td,table.stack th{padding:.2rem .4rem}
.steps{margin:.2rem 0}.steps>li{padding-block:.1rem;break-inside:auto}.steps p{margin:.15rem 0}.raw{font-size:6.8pt;line-height:1.3;padding:0}.steps code,.steps .hash{font-size:7.6pt;padding:0}
.path{font-size:6.8pt;line-height:1;margin:.2rem 0}table.path td,table.path th{padding:0 .4rem;border:0}.steps .path .hash{font-size:6.6pt}.documents{line-height:1.15}.documents,.documents .hash{font-size:7.4pt}table.documents td{padding:.1rem .4rem}.badge{font-size:7.4pt;padding:0 .3rem}
dl.facts{gap:.1rem 1rem;margin:.3rem 0}.line{margin:.2rem .6rem}.line li{padding-block:.1rem .2rem}.line p{display:inline}.line li::before{inset-block-start:.3rem;inset-inline-start:-.6rem}.banner{margin-block:.3rem;padding:.3rem .6rem}.limits{margin-block-start:.4rem;padding-block-start:.3rem}p{margin:.25rem 0}
.sign-part{break-inside:avoid}.sign{grid-template-columns:1fr 1fr 1fr;gap:1rem;margin-block-start:0}.sign div{margin-block-start:9mm}.qr{inline-size:26mm;block-size:26mm;float:inline-end}.banner{border:2px solid #000;color:#000}a{text-decoration:none}}
`

/** The site's style sheet. Media rules come after the rules that they change. */
export const STYLE = (TOOL + SITE + TOOL_MEDIA + SITE_MEDIA + SHEET_STYLE).trim()

/** The part for the offline verifier. */
export const TOOL_STYLE = (TOOL + TOOL_MEDIA).trim()
