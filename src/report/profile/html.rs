//! The figures as one page for a browser: no script, nothing that is fetched.

use std::fmt::Write as _;

use super::table::{TOP_SHOWN, is_text, length, number};
use super::{Bar, ColumnProfile, Figures, Role, TableProfile, Value};
use crate::report::Summary;
use crate::report::figures::grouped;
use crate::report::schema::{kinds, null_share};
use crate::report::text::counted;
use crate::schema::widen::ColumnType;
use crate::sink::names::printable;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1a1d21;--soft:#5c6570;--line:#dde1e6;--card:#fff;--page:#f5f6f8;\
--bar:#3b73c4;--pale:#c9daf2}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#98a2ae;--line:#343a42;--card:#1d2126;\
--page:#14171a;--bar:#6ea2ea;--pale:#2c405e}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1180px;padding:24px;background:var(--page);color:var(--ink);\
font:14px/1.45 system-ui,sans-serif}
h1{font-size:22px;margin:0 0 4px}h2{font-size:17px;margin:32px 0 2px}
p{margin:0 0 12px;color:var(--soft)}
nav a{display:inline-block;margin:0 14px 4px 0;color:inherit}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(340px,1fr));gap:14px}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px;min-width:0}
h3{font-size:14px;margin:0;overflow-wrap:anywhere}
h3 small{font-weight:400;color:var(--soft);margin-left:6px}
.path{font:12px ui-monospace,monospace;color:var(--soft);overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:1px 12px;margin:8px 0 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
svg{display:block;width:100%;height:72px;margin-top:10px}
svg rect{fill:var(--bar)}svg line{stroke:var(--line)}
.axis{display:flex;justify-content:space-between;gap:12px;font-size:12px;color:var(--soft)}
.top{margin-top:10px;display:grid;gap:2px}
.top div{position:relative;padding:0 6px;display:flex;justify-content:space-between;gap:10px}
.top i{position:absolute;inset:0 auto 0 0;background:var(--pale);border-radius:3px}
.top span{position:relative;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
";

/// Writes the figures of a run as one HTML page, with a histogram for each column.
pub fn to_html(summary: &Summary) -> String {
    let tables = &summary.profiles;
    let title = tables.first().map_or("no tables", |table| table.name.as_str());
    let title = escaped(title);
    let mut out = String::new();
    let records = counted(summary.records, "record");
    let rejected = match summary.rejects.count {
        0 => String::new(),
        count => format!(", {count} rejected and not counted here"),
    };
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}: profile</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{records}{rejected}, {}</p>\n",
        counted(tables.len() as u64, "table")
    );
    if tables.len() > 1 {
        out.push_str("<nav>");
        for (index, table) in tables.iter().enumerate() {
            let _ = write!(out, "<a href=\"#t{index}\">{}</a>", escaped(&table.name));
        }
        out.push_str("</nav>\n");
    }
    for (index, table) in tables.iter().enumerate() {
        write_table(table, index, &mut out);
    }
    let version = env!("CARGO_PKG_VERSION");
    let _ = write!(out, "<p>transmog {version}</p>\n</body>\n</html>\n");
    out
}

fn write_table(table: &TableProfile, index: usize, out: &mut String) {
    let columns: Vec<_> = table.columns.iter().filter(|column| column.role != Role::Link).collect();
    let place = match table.path.as_str() {
        "" => String::new(),
        path => format!(", <span class=\"path\">{}</span>", escaped(path)),
    };
    let _ = write!(
        out,
        "<h2 id=\"t{index}\">{}</h2>\n<p>{}, {}{place}</p>\n<div class=\"cards\">\n",
        escaped(&table.name),
        counted(table.rows, "row"),
        counted(columns.len() as u64, "column")
    );
    columns.iter().for_each(|column| write_column(column, table.rows, out));
    out.push_str("</div>\n");
}

fn write_column(column: &ColumnProfile, rows: u64, out: &mut String) {
    let _ = writeln!(
        out,
        "<section class=\"card\">\n<h3>{}<small>{}</small></h3>",
        escaped(&column.name),
        escaped(&column.column_type.to_string())
    );
    if let Some(path) = &column.path {
        let _ = writeln!(out, "<div class=\"path\">{}</div>", escaped(path));
    }
    out.push_str("<dl>");
    let mut fact = |name: &str, value: String| {
        let _ = write!(out, "<dt>{name}</dt><dd>{value}</dd>");
    };
    let nulls = rows.saturating_sub(column.values);
    let share =
        null_share(column.values, rows).map_or(String::new(), |share| format!(" ({share})"));
    fact("nulls", format!("{}{share}", grouped(nulls)));
    if column.kinds.len() > 1 {
        fact("kinds", kinds(column));
    }
    if let Some(figures) = column.figures.as_ref().filter(|figures| figures.count > 0) {
        let about = if figures.is_exact { "" } else { "about " };
        fact("distinct", format!("{about}{}", grouped(figures.distinct)));
        if let (Some(min), Some(max)) = (&figures.min, &figures.max) {
            fact("min", value(min));
            fact("max", value(max));
        }
        if let Some(mean) = figures.mean {
            fact("mean", number(mean));
        }
        if let Some([p5, p25, median, p75, p95]) = &figures.quantiles {
            fact("median", value(median));
            fact("25 to 75 %", format!("{} to {}", value(p25), value(p75)));
            fact("5 to 95 %", format!("{} to {}", value(p5), value(p95)));
        }
        if let Some(lengths) = figures.lengths {
            fact("length", format!("{}, mean {}", length(lengths), number(lengths.mean)));
        }
    }
    out.push_str("</dl>\n");
    if let Some(figures) = &column.figures {
        let is_list = matches!(column.column_type, ColumnType::List(_));
        write_histogram(&figures.histogram, "", out);
        write_histogram(
            &figures.length_histogram,
            if is_list { "long" } else { "characters" },
            out,
        );
        write_top(figures, is_text(&column.column_type), out);
    }
    out.push_str("</section>\n");
}

/// Draws bars whose heights are the counts.
fn write_histogram(bars: &[Bar], unit: &str, out: &mut String) {
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0);
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else { return };
    if most == 0 || bars.len() < 2 {
        return;
    }
    const HEIGHT: f64 = 72.0;
    let width = 400.0 / bars.len() as f64;
    out.push_str(
        "<svg viewBox=\"0 0 400 72\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"histogram\"><line x1=\"0\" y1=\"71.5\" x2=\"400\" y2=\"71.5\"/>",
    );
    for (place, bar) in bars.iter().enumerate().filter(|(_, bar)| bar.count > 0) {
        // what is there is seen
        let height = (bar.count as f64 / most as f64 * HEIGHT).max(1.5);
        let range = match bar.from == bar.to {
            true => value(&bar.from),
            false => format!("{} to {}", value(&bar.from), value(&bar.to)),
        };
        let _ = write!(
            out,
            "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{height:.2}\"><title>{range}: \
             {}</title></rect>",
            place as f64 * width + width * 0.05,
            HEIGHT - height,
            width * 0.9,
            bar.count
        );
    }
    let _ = writeln!(
        out,
        "</svg><div class=\"axis\"><span>{}</span><span>{} {unit}</span></div>",
        value(&first.from),
        value(&last.to)
    );
}

/// Draws the most frequent values as bars whose widths are their shares.
fn write_top(figures: &Figures, is_quoted: bool, out: &mut String) {
    let has_bars = figures.histogram.len() > 1;
    let shown = if has_bars { TOP_SHOWN } else { figures.top.len() };
    let rows: Vec<_> = figures
        .top
        .iter()
        .filter(|one| one.count > 1 || figures.distinct <= 10)
        .take(shown)
        .collect();
    if rows.is_empty() {
        return;
    }
    out.push_str("<div class=\"top\">");
    for one in rows {
        let share = one.count as f64 / figures.count as f64 * 100.0;
        let value = escaped(&one.value);
        let value = if is_quoted { format!("&quot;{value}&quot;") } else { value };
        let _ = write!(
            out,
            "<div><i style=\"width:{share:.1}%\"></i><span title=\"{value}\">{value}</span>\
             <span>{} ({share:.1}%)</span></div>",
            one.count
        );
    }
    out.push_str("</div>\n");
}

fn value(value: &Value) -> String {
    match value {
        Value::Number(value) => number(*value),
        value => escaped(&value.to_string()),
    }
}

/// Makes text of what comes from data: nothing in it is markup.
fn escaped(text: &str) -> String {
    let text = printable(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_no_markup() {
        assert_eq!(escaped("<b a='\"'>&\n"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;\\n");
    }
}
