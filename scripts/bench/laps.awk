# laps.awk: reads the laps that bench keeps, for table.awk and chart.awk, whose END it leaves:
#
#	operations[1..noperations]; by[OPERATION, 1..rivals[OPERATION]], the floor first, cage next; for each of
#	these laps[OPERATION, RIVAL], least[..] and median[..], or instead why[..] there is none; about[1..nabout]
BEGIN { FS = "\t"; unit = "ms" }

sub(/^# /, "") {
	if (sub(/^unit: /, "")) unit = $0
	else about[++nabout] = $0
	next
}
$4 !~ /^-?[0-9.]+$/ { add($1, $2); why[$1, $2] = $4 == "failed" ? "failed in round " $3 ", out" : $4; next }
{ add($1, $2, $4) }
# A life is the four steps of one round.
$1 ~ /^(new|up|down|rm)$/ {
	sum[$2, $3] += $4
	if (++steps[$2, $3] == 4) whole[++nwhole] = $2 "\t" sum[$2, $3]
}

function add(operation, rival, ms,  i) {
	if (!(operation in rivals)) operations[++noperations] = operation
	if (!((operation, rival) in laps)) {
		i = ++rivals[operation]
		for (; i > 1 && rank(rival) < rank(by[operation, i - 1]); i--) by[operation, i] = by[operation, i - 1]
		by[operation, i] = rival
		laps[operation, rival] = 0
	}
	if (ms != "") value[operation, rival, ++laps[operation, rival]] = ms + 0
}
function rank(rival) { return rival == "floor" ? 1 : rival == "cage" ? 2 : rival == "article" ? 3 : 4 }

function summarize(operation, rival,  n, i, j, list) {
	n = laps[operation, rival]
	for (i = 1; i <= n; i++) {
		for (j = i; j > 1 && list[j - 1] > value[operation, rival, i]; j--) list[j] = list[j - 1]
		list[j] = value[operation, rival, i]
	}
	least[operation, rival] = list[1]
	median[operation, rival] = (list[int((n + 1) / 2)] + list[int(n / 2) + 1]) / 2
}

END {
	for (i = 1; i <= nwhole; i++) {
		split(whole[i], part, "\t")
		add("the four together", part[1], part[2])
	}
	for (i = 1; i <= noperations; i++)
		for (j = 1; j <= rivals[operations[i]]; j++) summarize(operations[i], by[operations[i], j])
}
