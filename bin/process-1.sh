#!/bin/sh
# Process 1 of a container gets every process whose parent has ended, and is the only one that can collect what is left of it. A shell that waits does that: sh process-1.sh COMMAND [ARGUMENT …]
# starts the command, passes signals on to it, and ends with its exit status.
child=''
early=''
pass_on() {
  if [ -n "$child" ]; then kill -"$1" "$child" 2>/dev/null; else early="$early $1"; fi
}
for name in HUP INT QUIT TERM USR1 USR2; do trap "pass_on $name" "$name"; done
# A terminal sends these two to the command itself.
if [ -t 0 ]; then trap : INT QUIT; fi

# What is started with & would have no standard input.
exec 3<&0
"$@" <&3 3<&- &
child=$!
exec 3<&-
for name in $early; do pass_on "$name"; done

# A signal ends the wait, too: the command may live on.
while :; do
  wait "$child"
  status=$?
  kill -0 "$child" 2>/dev/null || exit "$status"
done
