//! The style sheet. Pictures are drawn in fixed colours, which the rules for the dark replace.

/// The rules.
pub const SHEET: &str = "\
:root{color-scheme:light dark;--paper:#fff;--ink:#1b1b1b;--faint:#595959;--rule:#d4d4d4;--row:#f5f5f5;\
--c0:#0060a8;--c1:#c04f00;--c2:#00795b;--c3:#a8408a;--c4:#7a6200;--c5:#5b4bc4;--grid:#e2e2e2}\
@media (prefers-color-scheme:dark){:root{--paper:#16181a;--ink:#ececec;--faint:#a9a9a9;--rule:#44484c;\
--row:#1f2225;--c0:#62b2f2;--c1:#f59b57;--c2:#46c9a1;--c3:#e591c9;--c4:#d8bd4a;--c5:#a79bf5;--grid:#34383c}}\
@media print{:root{color-scheme:light;--paper:#fff;--ink:#000;--faint:#444;--rule:#bbb;--row:#f5f5f5;\
--c0:#0060a8;--c1:#c04f00;--c2:#00795b;--c3:#a8408a;--c4:#7a6200;--c5:#5b4bc4;--grid:#e2e2e2}}\
*{box-sizing:border-box}.scroll{position:relative}\
body{margin:0 auto;padding:1rem;max-width:80rem;background:var(--paper);color:var(--ink);\
font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\
h1{font-size:1.4rem;line-height:1.25;margin:.25rem 0 1rem}\
h2{font-size:1.15rem;margin:2rem 0 .75rem;padding-bottom:.25rem;border-bottom:1px solid var(--rule)}\
.blocks{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,28rem),1fr));gap:1.5rem;align-items:start}\
.blocks>*{min-width:0}.told,.wide{grid-column:1/-1}\
.told{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:0}\
dt{color:var(--faint)}dd{margin:0}dt.verdict+dd{font-weight:600}dt.failed{color:var(--c1);font-weight:600}\
figure{margin:0;break-inside:avoid}figcaption{font-weight:600;margin-bottom:.25rem}\
svg{display:block;width:100%;max-width:38rem;height:auto}\
svg text{fill:var(--ink)}svg text[fill=\"#FFFFFF\"]{fill:var(--paper)}\
svg [stroke=\"#DDDDDD\"]{stroke:var(--grid)}svg [stroke=\"#333333\"]{stroke:var(--faint)}\
svg [stroke=\"#0060A8\"]{stroke:var(--c0)}svg [fill=\"#0060A8\"]{fill:var(--c0)}\
svg [stroke=\"#C04F00\"]{stroke:var(--c1)}svg [fill=\"#C04F00\"]{fill:var(--c1)}\
svg [stroke=\"#00795B\"]{stroke:var(--c2)}svg [fill=\"#00795B\"]{fill:var(--c2)}\
svg [stroke=\"#A8408A\"]{stroke:var(--c3)}svg [fill=\"#A8408A\"]{fill:var(--c3)}\
svg [stroke=\"#7A6200\"]{stroke:var(--c4)}svg [fill=\"#7A6200\"]{fill:var(--c4)}\
svg [stroke=\"#5B4BC4\"]{stroke:var(--c5)}svg [fill=\"#5B4BC4\"]{fill:var(--c5)}\
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin:.25rem 0 .5rem;padding:0;font-size:.9rem}\
.key{display:inline-block;width:.8em;height:.8em;margin-right:.4em;print-color-adjust:exact}\
.key0{background:var(--c0)}.key1{background:var(--c1)}.key2{background:var(--c2)}\
.key3{background:var(--c3)}.key4{background:var(--c4)}.key5{background:var(--c5)}\
.heat0,.heat1,.heat2,.heat3,.heat4{background:var(--c1)}.heat0{opacity:.08}.heat1{opacity:.2}.heat2{opacity:.35}.heat3{opacity:.55}\
.scroll{overflow-x:auto;max-width:100%}\
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}\
caption{text-align:left;font-weight:600;padding:.25rem 0}figure caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}\
th,td{padding:.15rem .6rem;border-bottom:1px solid var(--rule);vertical-align:top;overflow-wrap:normal}\
th:first-child,td:first-child{padding-left:0}tbody th{font-weight:400}figure tbody th{white-space:nowrap}thead th{color:var(--faint);font-weight:600}\
.left{text-align:left}.right{text-align:right;white-space:nowrap}\
tbody tr:nth-child(even){background:var(--row)}\
summary{cursor:pointer}section>details>summary{font-size:1.15rem;font-weight:600;margin:2rem 0 .75rem}\
@media print{body{max-width:none;padding:0;font-size:10pt}.scroll{overflow:visible}h2{break-after:avoid}\
tr{break-inside:avoid}details::details-content{content-visibility:visible;block-size:auto}}\
";
