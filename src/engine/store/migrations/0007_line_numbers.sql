-- A line's place in its run follows from its attempt and its number there, both known to whoever writes it: lines that are written again, because the answer to the first
-- time was lost, are the same ones. (Places that were drawn from a sequence before are smaller.)
alter table cloudcode.log_lines alter column seq drop identity;
