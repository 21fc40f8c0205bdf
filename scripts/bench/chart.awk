# chart.awk: a bar chart, as SVG, of what laps.awk has read: the least of each rival at each operation, on a logarithmic
# scale, for the slowest take hundreds of times as long as the floor.
function x(ms) { return left + width * log(ms / low) / log(high / low) }
function text(at, y, anchor, style, what) {
	gsub(/&/, "\\&amp;", what)
	gsub(/</, "\\&lt;", what)
	printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>%s</text>\n", at, y, anchor, style, what
}
function bar(y, rival, ms) {
	text(left - 8, y + 12, "end", "", rival)
	printf "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"14\" fill=\"%s\"/>\n", left, y, x(ms) - left,
		rival == "cage" ? "#c2571a" : rival == "floor" ? "#9aa5b1" : "#5b7fa6"
	text(x(ms) + 5, y + 12, "start", " fill=\"#333\"", sprintf(ms < 100 ? "%.1f" : "%.0f", ms))
}

END {
	left = 150; width = 600; low = 0.5; high = 2000; height = 50
	for (i = 1; i <= noperations; i++)
		for (j = 1; j <= rivals[operations[i]]; j++)
			if (!((operations[i], by[operations[i], j]) in why)) {
				height += 18 + (operations[i] in shown ? 0 : 30)
				shown[operations[i]]
			}
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n", left + width + 60, height
	print "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
	for (ms = 1; ms <= 1000; ms *= 10) {
		printf "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"24\" y2=\"%d\" stroke=\"#ddd\"/>\n", x(ms), x(ms), height - 26
		text(x(ms), 18, "middle", " fill=\"#555\"", ms " ms")
	}
	y = 24
	for (i = 1; i <= noperations; i++) {
		o = operations[i]
		if (!(o in shown)) continue
		text(8, y + 14, "start", " font-weight=\"bold\"", o)
		y += 20
		for (j = 1; j <= rivals[o]; j++) if (!((o, by[o, j]) in why)) {
			bar(y, by[o, j], least[o, by[o, j]])
			y += 18
		}
		y += 10
	}
	text(8, height - 8, "start", " fill=\"#555\"", "the least time of a command; " about[1] "; " about[2])
	print "</svg>"
}
