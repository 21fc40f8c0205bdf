# chart.awk: a bar chart, as SVG, of the laps that bench keeps: the least of each rival at each operation, on a
# logarithmic scale, for a podman takes a hundred times what a floor does.
BEGIN {
	FS = "\t"
	left = 190; width = 560; row = 18; low = 0.5; high = 2000
	colour["cage"] = "#c2571a"; colour["floor"] = "#9aa5b1"
}

/^# (date|kernel):/ { about = about (about ? "; " : "") substr($0, index($0, ": ") + 2) }
/^#/ || $4 !~ /^[0-9.]+$/ { next }
!($1 in count) { operations[++noperations] = $1; count[$1] = 0 }
!(($1, $2) in least) { name[$1, ++count[$1]] = $2; least[$1, $2] = $4 + 0 }
$4 + 0 < least[$1, $2] { least[$1, $2] = $4 + 0 }

function x(ms) { return left + width * log(ms / low) / log(high / low) }
function escaped(text) { gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); return text }
function text(at, y, anchor, style, what) {
	printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>%s</text>\n", at, y, anchor, style, escaped(what)
}

END {
	height = 60
	for (i = 1; i <= noperations; i++) height += count[operations[i]] * row + 30
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n", left + width + 70, height
	print "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
	for (ms = 1; ms <= 1000; ms *= 10) {
		printf "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"24\" y2=\"%d\" stroke=\"#ddd\"/>\n", x(ms), x(ms), height - 30
		text(x(ms), 18, "middle", " fill=\"#555\"", ms " ms")
	}
	y = 30
	for (i = 1; i <= noperations; i++) {
		y += 14
		text(8, y, "start", " font-weight=\"bold\"", operations[i])
		y += 6
		for (j = 1; j <= count[operations[i]]; j++) {
			rival = name[operations[i], j]
			ms = least[operations[i], rival]
			text(left - 8, y + 12, "end", "", rival)
			printf "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", left, y, x(ms) - left, row - 4,
				rival in colour ? colour[rival] : "#5b7fa6"
			text(x(ms) + 5, y + 12, "start", " fill=\"#333\"", sprintf(ms < 100 ? "%.1f" : "%.0f", ms))
			y += row
		}
		y += 10
	}
	text(8, height - 10, "start", " fill=\"#555\"", "least time of a command; " about)
	print "</svg>"
}
