# What is done often; `make` lists the targets. Only Swift and, for the two C libraries, apt are
# assumed. Everything works in an unpacked archive, too: nothing here asks git.

SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=

# One ordinary release build serves the demo, the tests and the manual; the tests need testable
# modules. Other flags would build everything anew each time: `swift test` alone adds some of its
# own, and is therefore called with --skip-build after `swift build --build-tests`.
TESTABLE := -Xswiftc -enable-testing
RELEASE := -c release $(TESTABLE)
MOEPACK := .build/release/moepack

# The installed program carries the Swift runtime, and is built apart: Testing has no static form.
STATIC := .build-static/release/moepack
SOURCES = $(shell find Sources -type f) Package.swift

# Pages change only when commands do, so they all bear one date.
MAN_DATE := 2026-11-25

DEMO_MODEL := Fixtures/models/micro-qwen2moe
LINTED := Sources Tests Package.swift Fixtures/Fixtures.swift

# For make bench: QUICK=1 takes minutes, ONLY=pack,search some of the rows; PEERS is a Python
# environment, WORK the folder of models, outputs and numbers.
QUICK ?=
ONLY ?=
PEERS ?= .build-bench/peers
WORK ?= .build-bench/work

# Seconds for each format, and the seed; CI takes fewer.
SECONDS = 600
SEED = 1
FUZZ_TARGETS = safetensors index configuration tokenizer pack gguf gguf-model adapter imatrix

.PHONY: help setup build demo test lint format man static install uninstall bench fuzz clean

help:
	@echo 'make demo       compress the fixture model and show what it cost (three minutes at most)'
	@echo 'make test       run all tests, optimised'
	@echo 'make lint       check the format of the sources; make format mends it'
	@echo 'make install    install program, man pages, completions (PREFIX=$(PREFIX))'
	@echo 'make uninstall  remove them again'
	@echo 'make man        make the pages in man/ again from the commands'
	@echo 'make bench      measure speed and memory against peers (QUICK=1, ONLY=row,row)'
	@echo 'make fuzz       feed spoilt files to every reader (SECONDS=$(SECONDS) for each format)'
	@echo 'make clean      remove what was built'

# Swift must be there; the C libraries are installed where we may, else we say how.
setup:
	@command -v $(SWIFT) >/dev/null 2>&1 || { \
	  echo 'Swift was not found: install Swift 6.3 from https://www.swift.org/install/linux/ and put its usr/bin into PATH.' >&2; \
	  exit 1; }
	@$(SWIFT) --version >/dev/null 2>&1 || { \
	  echo '`$(SWIFT) --version` fails; what it says:' >&2; $(SWIFT) --version >&2; exit 1; }
	@$(SWIFT) --version 2>/dev/null | grep -Eq 'Swift version (6\.([3-9]|[1-9][0-9])|[7-9]|[1-9][0-9])' || { \
	  echo 'Swift 6.3 or newer is needed; here is:' >&2; $(SWIFT) --version >&2; exit 1; }
	@if pkg-config --exists libzstd openblas 2>/dev/null; then exit 0; fi; \
	packages='libzstd-dev libopenblas-dev pkg-config'; \
	if ! command -v apt-get >/dev/null 2>&1; then \
	  echo "zstd, OpenBLAS or pkg-config is missing. On Debian they are $$packages; install what your system calls them." >&2; \
	  exit 1; \
	elif [ "$$(id -u)" -ne 0 ]; then \
	  echo 'zstd, OpenBLAS or pkg-config is missing. Run this, then make again:' >&2; \
	  echo "  sudo apt-get install -y $$packages" >&2; \
	  exit 1; \
	fi; \
	export DEBIAN_FRONTEND=noninteractive; \
	apt-get update && apt-get install -y --no-install-recommends $$packages && \
	{ pkg-config --exists --print-errors libzstd openblas || \
	  { echo "installed $$packages, but pkg-config does not find libzstd and openblas" >&2; exit 1; }; }

build: setup
	$(SWIFT) build $(RELEASE)

demo: build
	@mkdir -p demo
	$(MOEPACK) compress $(DEMO_MODEL) -o demo/micro-qwen2moe.moepack \
	  --calibration Fixtures/text/calibration.jsonl --evaluate Fixtures/text/heldout.jsonl \
	  --report demo/report.md --force
	$(MOEPACK) inspect demo/micro-qwen2moe.moepack
	$(MOEPACK) verify demo/micro-qwen2moe.moepack
	@echo 'The report is in demo/report.md, the compressed model in demo/micro-qwen2moe.moepack.'

test: setup
	$(SWIFT) build $(RELEASE) --build-tests
	$(SWIFT) test $(RELEASE) --skip-build

lint:
	$(SWIFT) format lint --strict --recursive --parallel $(LINTED)

format:
	$(SWIFT) format --in-place --recursive --parallel $(LINTED)

# Every command gets a page; the one made for `help` says nothing and is left out.
man: setup
	rm -rf .build/plugins/GenerateManual/outputs/moepack
	$(SWIFT) package $(TESTABLE) generate-manual --multi-page --date $(MAN_DATE)
	mkdir -p man
	rm -f man/moepack.1 man/moepack.*.1
	set -e; for page in .build/plugins/GenerateManual/outputs/moepack/moepack*.1; do \
	  case $$page in *.help.1) ;; *) install -m 644 "$$page" man/ ;; esac; \
	done

# As yourself first, so that `sudo make install` needs no Swift.
static: $(STATIC)

$(STATIC): $(SOURCES)
	@$(MAKE) --no-print-directory setup
	$(SWIFT) build -c release --product moepack --static-swift-stdlib --scratch-path .build-static
	@touch $(STATIC)

BIN := $(DESTDIR)$(PREFIX)/bin
SHARE := $(DESTDIR)$(PREFIX)/share
BASH_COMPLETION := $(SHARE)/bash-completion/completions/moepack
ZSH_COMPLETION := $(SHARE)/zsh/site-functions/_moepack
FISH_COMPLETION := $(SHARE)/fish/vendor_completions.d/moepack.fish

install: $(STATIC)
	install -d '$(BIN)' '$(SHARE)/man/man1' '$(SHARE)/doc/moepack' \
	  '$(dir $(BASH_COMPLETION))' '$(dir $(ZSH_COMPLETION))' '$(dir $(FISH_COMPLETION))'
	install -m 755 -s $(STATIC) '$(BIN)/moepack'
	install -m 644 man/*.1 '$(SHARE)/man/man1/'
	install -m 644 README.md LICENSE NOTICE CHANGELOG.md '$(SHARE)/doc/moepack/'
	$(STATIC) --generate-completion-script bash > '$(BASH_COMPLETION)'
	$(STATIC) --generate-completion-script zsh > '$(ZSH_COMPLETION)'
	$(STATIC) --generate-completion-script fish > '$(FISH_COMPLETION)'

uninstall:
	rm -f '$(BIN)/moepack' '$(BASH_COMPLETION)' '$(ZSH_COMPLETION)' '$(FISH_COMPLETION)'
	rm -f '$(SHARE)/man/man1/moepack.1' '$(SHARE)'/man/man1/moepack.*.1
	rm -rf '$(SHARE)/doc/moepack'

# What each row means: docs/benchmarks.md. The peers come from Tests/Benchmarks/install-peers.sh.
bench: build
	$(SWIFT) build $(RELEASE) --package-path Tests/Benchmarks --scratch-path .build-bench
	.build-bench/release/bench --tool $(MOEPACK) --python '$(PEERS)/bin/python' \
	  --work '$(WORK)' --only '$(ONLY)' $(if $(QUICK),--quick)

# An input that fails is kept beside the Makefile, named by format, seed and number.
fuzz: setup
	$(SWIFT) build -c release --package-path Tests/Fuzz --scratch-path .build-fuzz --product fuzz
	@failed=; for target in $(FUZZ_TARGETS); do \
	  .build-fuzz/release/fuzz $$target --seconds $(SECONDS) --seed $(SEED) || failed=1; \
	done; test -z "$$failed"

clean:
	rm -rf .build .build-static .build-bench .build-fuzz .build-coverage demo
