# SPDX-License-Identifier: Apache-2.0
# A thin front: meson builds, tests/run tests. `make help` lists the targets.

BUILD ?= build
PYTHON = /usr/bin/python3
export STREAMKEEPER_BUILD = $(abspath $(BUILD))

.PHONY: help build demo check check-fast bench install clean lint
help:
	@echo 'make demo         see it: builds, then runs critical apps beside hogs, for a minute'
	@echo 'make check        install what the tests need and pass them all (about half an hour)'
	@echo 'make check-fast   lint, unit and integration tests (about 2 minutes, once built)'
	@echo 'make build        build into $(BUILD)/'
	@echo 'make bench        measure, beside other supervisors'
	@echo 'make install      install on this host (DESTDIR works)'

$(BUILD)/build.ninja:
	@tests/packages build
	@echo "Building into $(BUILD): a minute or two the first time"
	@meson setup $(BUILD) --prefix=/usr --libexecdir=libexec --sysconfdir=/etc --localstatedir=/var >$(BUILD).setup.log 2>&1 || \
	    { cat $(BUILD).setup.log; exit 1; }
	@mv $(BUILD).setup.log $(BUILD)/setup.log

build: $(BUILD)/build.ninja
	@ninja -C $(BUILD) >$(BUILD)/build.log || { cat $(BUILD)/build.log; exit 1; }

demo: build
	@tests/packages demo
	@$(PYTHON) tests/demo/demo --build $(BUILD)

check:
	@tests/packages build check kafka vm
	@$(PYTHON) tests/run --build $(BUILD) all

check-fast:
	@tests/packages build check
	@$(PYTHON) tests/run --build $(BUILD) fast

bench: build
	@tests/packages check bench
	@$(PYTHON) tests/bench/run --build $(BUILD)

install: build
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild --quiet

clean:
	@rm -rf $(BUILD)
