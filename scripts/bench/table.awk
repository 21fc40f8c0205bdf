# table.awk: a Markdown table of what laps.awk has read: least and median of each rival at each operation, and how many
# times the floor's least its own is.
END {
	for (i = 1; i <= nabout; i++) print about[i] "  "
	printf "\n| operation | by | rounds | least, %s | median | of the floor |\n|---|---|---|---|---|---|\n", unit
	for (i = 1; i <= noperations; i++) {
		o = operations[i]
		for (j = 1; j <= rivals[o]; j++) {
			r = by[o, j]
			ratio = least[o, "floor"] > 0 ? sprintf("%.2f", least[o, r] / least[o, "floor"]) : ""
			if ((o, r) in why) printf "| %s | %s | | | | %s |\n", o, r, why[o, r]
			else printf "| %s | %s | %d | %.2f | %.2f | %s |\n", o, r, laps[o, r], least[o, r], median[o, r], ratio
		}
	}
}
