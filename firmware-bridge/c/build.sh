#!/usr/bin/env bash
# Builds what the machine has compilers for, into the folder that is named: `avr` the firmware (gcc-avr, avr-libc),
# `emulator` its host (gcc, libsimavr-dev), `native` nodes for this machine (gcc), `fuzz` the fuzzer (clang).
# The firmware's sizes are printed, and the library's held against what it promises.
set -euo pipefail
mkdir -p "${1:?folder}"
out=$(cd "$1" && pwd) && shift
cd "$(dirname "$0")"
library=(src/check.c src/cbor.c src/store.c src/node.c)
strict=(-std=c99 -Wall -Wextra -Wpedantic -Werror)
FLASH_MAX=8192 RAM_MAX=2048

avr() {
  local flags=(-mmcu=atmega328p -DF_CPU=16000000UL -Os -ffunction-sections -fdata-sections -mcall-prologues)
  for source in "${library[@]}"; do
    avr-gcc "${strict[@]}" "${flags[@]}" -c "$source" -o "$out/$(basename "$source" .c).avr.o"
  done
  local version=${FIRMWARE:-1.0.0}
  avr-gcc -std=gnu99 -Wall -Wextra "${flags[@]}" -DFIRMWARE="\"$version\"" ${FIRMWARE_FLAGS:-} -Wl,--gc-sections \
    avr/main.c avr/update.c "$out"/{check,cbor,store,node}.avr.o -o "$out/node.elf"
  avr-gcc -std=gnu99 -Wall -Wextra "${flags[@]}" -nostartfiles -Wl,-Ttext=0x7000 \
    -Wl,--section-start=.writepage=0x7f00 avr/boot.c -o "$out/boot.elf"
  avr-objcopy -O binary -j .text -j .data "$out/node.elf" "$out/node.bin"
  avr-objcopy -O binary "$out/boot.elf" "$out/boot.bin"
  avr-objcopy -I binary -O binary --gap-fill 0xff --pad-to 0x7000 "$out/node.bin" "$out/node.flash"
  avr-objcopy -I binary -O binary --gap-fill 0xff --pad-to 0x1000 "$out/boot.bin" "$out/boot.flash"
  cat "$out/boot.flash" >>"$out/node.flash"
  # The library alone: what the linker keeps of it, with the compiler's own routines left out.
  local flash ram
  flash=$(avr-size -t "$out"/{check,cbor,store,node}.avr.o | awk '/TOTALS/ { print $1 + $2 }')
  ram=$(avr-size "$out/node.elf" | awk 'NR == 2 { print $2 + $3 }')
  echo "library: $flash bytes of flash, of at most $FLASH_MAX"
  echo "library and example: $ram bytes of RAM, of at most $RAM_MAX; $(stat -c %s "$out/node.bin") bytes of flash"
  [ "$flash" -le "$FLASH_MAX" ] && [ "$ram" -le "$RAM_MAX" ]
}

emulator() { gcc -std=gnu99 -O2 -Wall -Wextra native/emulator.c -o "$out/emulator" -lsimavr -lelf -lutil -lm; }

native() {
  gcc "${strict[@]}" -O2 -D_GNU_SOURCE native/node.c "${library[@]}" -o "$out/native-nodes" -lutil
  gcc "${strict[@]}" -O2 native/desk.c "${library[@]}" -o "$out/native-desk"
}

fuzz() {
  clang -std=gnu99 -O2 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all fuzz/frames.c "${library[@]}" \
    -o "$out/fuzz-frames"
}

for what in "$@"; do "$what"; done
