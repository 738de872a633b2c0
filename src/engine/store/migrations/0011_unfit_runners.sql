-- Why a runner claims nothing: its machine cannot start runs (a full disk, no process to be had). Null while it can.
alter table cloudcode.runners add column unfit_reason text;
