#!/bin/bash
# In place of systemd, as far as docs/run-a-ledger needs it: starts the command of a unit with the
# unit's environment, and stops it as the unit says. UNITS is the folder of the units.
set -euo pipefail
action=$1
unit=${*: -1}
unit=${unit%.service}
pidfile=$UNITS/$unit.pid

settings() {
	sed -n 's/^Environment=//p' "$UNITS/$unit.service"
	for file in $(sed -n 's/^EnvironmentFile=-//p' "$UNITS/$unit.service"); do sed -n '/^OPENSEAL/s/"//gp; /^OPENSEAL[^"]*$/p' "$file"; done
}
stop() {
	[ -e "$pidfile" ] || return 0
	kill -TERM "$(cat "$pidfile")" || true
	while kill -0 "$(cat "$pidfile")" 2>/dev/null; do sleep 0.1; done
	rm "$pidfile"
}
start() {
	mapfile -t environment < <(settings)
	command=$(sed -n 's/^ExecStart=//p' "$UNITS/$unit.service")
	if grep -q '^Type=oneshot' "$UNITS/$unit.service"; then
		exec env "${environment[@]}" $command
	fi
	env "${environment[@]}" setsid $command >>"$UNITS/$unit.log" 2>&1 </dev/null &
	echo $! >"$pidfile"
}

case $unit in *.timer) exit ;; esac
case $action in
start | enable) start ;;
stop) stop ;;
restart) stop && start ;;
esac
