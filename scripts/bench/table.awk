# table.awk: a Markdown table of the laps that bench keeps: least and median of each rival at each operation, and
# how many times the floor's least its own is. The lines that begin with # go above it.
BEGIN { FS = "\t"; unit = "ms" }

function sort(list, n,  i, j, t) {
	for (i = 2; i <= n; i++) {
		t = list[i]
		for (j = i - 1; j > 0 && list[j] > t; j--) list[j + 1] = list[j]
		list[j + 1] = t
	}
}

# note remembers operations, and the rivals of each, in the order in which they come.
function note(operation, rival) {
	if (!(operation in rivals)) operations[++noperations] = operation
	if (!((operation, rival) in laps)) {
		rivals[operation]++
		name[operation, rivals[operation]] = rival
		laps[operation, rival] = 0
	}
}

function add(operation, rival, ms) {
	note(operation, rival)
	value[operation, rival, ++laps[operation, rival]] = ms + 0
}

function print_row(operation, rival,  n, i, list, times) {
	if ((operation, rival) in why) {
		printf "| %s | %s | | | | %s |\n", operation, rival, why[operation, rival]
		return
	}
	n = laps[operation, rival]
	for (i = 1; i <= n; i++) list[i] = value[operation, rival, i]
	sort(list, n)
	times = ""
	if (rival == "floor") least[operation] = list[1]
	if (least[operation] > 0) times = sprintf("%.2f", list[1] / least[operation])
	printf "| %s | %s | %d | %.2f | %.2f | %s |\n", operation, rival, n, list[1], (list[int((n + 1) / 2)] + list[int(n / 2) + 1]) / 2, times
}

sub(/^# /, "") {
	if (sub(/^unit: /, "")) unit = $0
	else header = header $0 "  \n"
	next
}
$4 !~ /^-?[0-9.]+$/ { note($1, $2); why[$1, $2] = $4 == "failed" ? "failed in round " $3 ", out" : $4; next }
{ add($1, $2, $4) }
$1 ~ /^(new|up|down|rm)$/ {
	if (!(($2, $3) in life)) order[++nlives] = $2 SUBSEP $3
	life[$2, $3] += $4
	if ($1 == "new") started[$2, $3] = 1
	if ($1 == "rm" && started[$2, $3]) whole[$2, $3] = 1
}

END {
	for (i = 1; i <= nlives; i++) if (order[i] in whole) {
		split(order[i], part, SUBSEP)
		add("the four together", part[1], life[order[i]])
	}
	printf "%s\n| operation | by | rounds | least, %s | median | of the floor |\n|---|---|---|---|---|---|\n", header, unit
	for (i = 1; i <= noperations; i++) {
		o = operations[i]
		if ((o, "floor") in laps) print_row(o, "floor")
		if ((o, "cage") in laps) print_row(o, "cage")
		for (j = 1; j <= rivals[o]; j++) if (name[o, j] !~ /^(floor|cage)$/) print_row(o, name[o, j])
	}
}
