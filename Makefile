# luadl: `make demo` and `make test` do all their own set-up; `make help` lists the rest.

LUA ?= 5.4
PREFIX ?= /usr/local
DESTDIR ?=
SAN ?=
FUZZ ?=
SECONDS ?= 60
CC ?= cc
CLANG ?= clang
CLANG_FORMAT ?= clang-format

comma := ,
VARIANT := $(if $(SAN),-$(subst $(comma),-,$(SAN)))
BUILD := build
OUT := $(BUILD)/$(LUA)$(VARIANT)
LUA_PC := $(shell for name in lua$(LUA) lua-$(LUA) lua; do \
	pkg-config --exists $$name 2>/dev/null && echo $$name && break; done)

STRICT := -std=c11 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CFLAGS ?= -O2 -g
ALL_CFLAGS = $(STRICT) $(CFLAGS) -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -fPIC -fvisibility=hidden -pthread \
	$(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) $(shell pkg-config --cflags libcurl)
LIBS = $(shell pkg-config --libs libcurl) $(shell pkg-config --libs libxxhash) $(shell pkg-config --libs libpsl) -pthread -lm
SHARED = -shared -Wl,-z,nodelete $(if $(SAN),-fsanitize=$(SAN))

ENGINE := session reading exit fork loop fetch failure local single send header login redirect route tls accept receive pass window whole watch lines answer identity field date transfer request chunk file disk begin publish job resume adoption checkpoint record journal edges hasher io jar cookie prove page connection trace throttle hosts limit latch queue url code adopt
ENGINE_OBJ := $(ENGINE:%=$(OUT)/%.o)
C_FILES := $(wildcard core/*.c core/*.h spec/core/*.c spec/support/*.c spec/fuzz/*.c spec/fuzz/*.h)
LUA_FILES := lua scripts/luadl scripts spec
REPLAYS := $(patsubst spec/fuzz/%_fuzz.c,$(OUT)/%_replay,$(wildcard spec/fuzz/*_fuzz.c))
C_TESTS := $(patsubst spec/core/%.c,$(OUT)/%,$(wildcard spec/core/*_test.c))
SHIMS := $(patsubst %,$(OUT)/%.so,faultfs crashfs faultclock)
HELPERS := url codec zlib cipher digest xml file
HELPER_OBJ := $(HELPERS:%=$(OUT)/lua_%.o)
MODULES := $(OUT)/luadl/core.so $(OUT)/luadl/poll.so $(OUT)/luadl/outlet.so $(OUT)/luadl/sys.so $(HELPERS:%=$(OUT)/luadl/%_core.so)

say = @echo "  $(if $(filter %.o,$@),compile,link)  $@"

.PHONY: all deps deps-run demo test spec sanitized torture fuzz fuzzers valgrind lint format api bench differential install uninstall clean help
.DELETE_ON_ERROR:

all: $(MODULES) ## build the modules
	@:

$(OUT)/luadl/core.so: $(ENGINE_OBJ) $(OUT)/lua_core.o
	@mkdir -p $(@D)
	$(say)
	@$(CC) $(SHARED) -o $@ $^ $(LIBS)

$(OUT)/luadl/poll.so $(OUT)/luadl/outlet.so: $(OUT)/luadl/%.so: $(OUT)/lua_%.o
	@mkdir -p $(@D)
	$(say)
	@$(CC) $(SHARED) -o $@ $^ -lm

$(OUT)/luadl/sys.so: $(OUT)/lua_sys.o $(OUT)/lua_sys_file.o $(OUT)/io.o
	@mkdir -p $(@D)
	$(say)
	@$(CC) $(SHARED) -o $@ $^

# What is needed beside the engine, each loaded on use, with its own library.
LIBS_url := libcurl
LIBS_zlib := zlib
LIBS_cipher := libcrypto
LIBS_digest := libcrypto
LIBS_xml := expat
$(OUT)/luadl/file_core.so: $(OUT)/file.o $(OUT)/io.o $(OUT)/code.o
$(HELPERS:%=$(OUT)/luadl/%_core.so): $(OUT)/luadl/%_core.so: $(OUT)/lua_%.o
	@mkdir -p $(@D)
	$(say)
	@$(CC) $(SHARED) -o $@ $^ $(if $(LIBS_$*),$(shell pkg-config --libs $(LIBS_$*)))

# Only these see Lua's headers.
$(OUT)/lua_%.o: core/lua_%.c
	@mkdir -p $(@D)
	$(say)
	@$(CC) $(ALL_CFLAGS) $(shell pkg-config --cflags $(LUA_PC)) -MMD -MP -c -o $@ $<

$(OUT)/%.o: core/%.c
	@mkdir -p $(@D)
	$(say)
	@$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/%_test: spec/core/%_test.c $(ENGINE_OBJ)
	$(say)
	@$(CC) $(ALL_CFLAGS) -Icore -MMD -MP -o $@ $< $(ENGINE_OBJ) -lcmocka $(LIBS)

# A fuzz target is linked with libFuzzer, or with a main() that replays files.
FUZZ_OBJ := $(patsubst spec/fuzz/%.c,$(OUT)/fuzz/%.o,$(filter-out %_fuzz.c %/replay.c,$(wildcard spec/fuzz/*.c)))
FUZZ_LIBS = $(LIBS) $(shell pkg-config --libs $(LUA_PC) $(foreach name,$(HELPERS),$(LIBS_$(name))))

.PRECIOUS: $(OUT)/fuzz/%.o
$(OUT)/fuzz/%.o: spec/fuzz/%.c
	@mkdir -p $(@D)
	$(say)
	@$(CC) $(ALL_CFLAGS) -Icore $(shell pkg-config --cflags $(LUA_PC)) -MMD -MP -c -o $@ $<

$(OUT)/%_replay: $(OUT)/fuzz/%_fuzz.o $(OUT)/fuzz/replay.o $(FUZZ_OBJ) $(ENGINE_OBJ) $(HELPER_OBJ)
	$(say)
	@$(CC) $(if $(SAN),-fsanitize=$(SAN)) -o $@ $^ $(FUZZ_LIBS)

$(OUT)/%_fuzz: $(OUT)/fuzz/%_fuzz.o $(FUZZ_OBJ) $(ENGINE_OBJ) $(HELPER_OBJ)
	$(say)
	@$(CC) -fsanitize=fuzzer,$(SAN) -o $@ $^ $(FUZZ_LIBS)

$(OUT)/download: spec/core/download.c $(ENGINE_OBJ)
	$(say)
	@$(CC) $(ALL_CFLAGS) -Icore -MMD -MP -o $@ $< $(ENGINE_OBJ) $(LIBS)

# The same with allocations that fail.
WRAPPED := malloc calloc realloc strdup asprintf curl_global_init
$(OUT)/starved: spec/core/download.c spec/support/faultmem.c $(ENGINE_OBJ)
	$(say)
	@$(CC) $(ALL_CFLAGS) -Icore -o $@ $^ $(WRAPPED:%=-Wl$(comma)--wrap=%) $(LIBS)

$(OUT)/starvedlua: spec/support/starvedlua.c
	@mkdir -p $(@D)
	$(say)
	@$(CC) $(ALL_CFLAGS) $(shell pkg-config --cflags $(LUA_PC)) -o $@ $< -Wl,-E $(shell pkg-config --libs $(LUA_PC))

$(SHIMS): $(OUT)/%.so: spec/support/%.c spec/support/hook.h
	@mkdir -p $(@D)
	$(say)
	@$(CC) $(STRICT) -O2 -D_GNU_SOURCE -shared -fPIC -o $@ $<

$(OUT)/states: spec/support/states.c
	@mkdir -p $(@D)
	$(say)
	@$(CC) $(STRICT) -O2 -pthread $(shell pkg-config --cflags $(LUA_PC)) -o $@ $< $(shell pkg-config --libs $(LUA_PC))

$(OUT)/sanitized.so: spec/support/sanitized.c
	@mkdir -p $(@D)
	$(say)
	@$(CC) $(STRICT) -O2 -D_GNU_SOURCE -fPIC -pthread $(SHARED) -o $@ $<

-include $(wildcard $(OUT)/*.d $(OUT)/fuzz/*.d)

deps: ## install what building, testing and the demo need
	@sh .ci/deps all

deps-run:
	@sh .ci/deps run

demo: deps-run ## one file with one connection and with eight; URL=... for another one
	@$(MAKE) --no-print-directory all
	@lua$(LUA) spec/support/demo.lua $(if $(URL),'$(URL)')

test: deps ## all specs
	@$(MAKE) --no-print-directory spec

# Neovim's LuaJIT loads the modules for Lua 5.1.
.PHONY: neovim luajit
neovim:
	@$(MAKE) --no-print-directory LUA=5.1 SAN= all

$(OUT)/luajit: spec/support/luajit.c
	@mkdir -p $(@D)
	$(say)
	@$(CC) $(STRICT) -O2 $(shell pkg-config --cflags luajit) -o $@ $< -Wl,-E $(shell pkg-config --libs luajit)

luajit: deps ## what is portable, under LuaJIT
	@$(MAKE) --no-print-directory LUA=5.1 all $(BUILD)/5.1/luajit
	@.ci/luajit $(BUILD)/5.1

spec: all $(if $(SAN),,neovim) $(C_TESTS) $(REPLAYS) $(OUT)/download $(OUT)/starved $(OUT)/starvedlua $(OUT)/states $(SHIMS) $(if $(SAN),$(OUT)/sanitized.so)
	@sh .ci/spec $(OUT) $(SPEC)

# The engine's specs under the sanitizers.
sanitized: deps
	@$(MAKE) --no-print-directory -j2 -O sanitized/address,undefined sanitized/thread

sanitized/%:
	@for room in core fault; do \
		$(MAKE) --no-print-directory SAN=$* spec SPEC=spec/$$room || exit 1; \
	done

fuzz: ## libFuzzer on each target; FUZZ=name SECONDS=60
	@sh .ci/deps fuzz
	@$(MAKE) --no-print-directory CC=$(CLANG) SAN=fuzzer-no-link,address,undefined fuzzers

fuzzers: $(if $(FUZZ),$(OUT)/$(FUZZ)_fuzz,$(REPLAYS:%_replay=%_fuzz))
	@sh .ci/fuzz $(OUT) $(SECONDS) $(FUZZ)

# Kill points, power cuts and random faults by the thousand, two specs at a time.
TORTURE := $(sort $(wildcard spec/crash/*_spec.lua)) spec/fault/random_spec.lua

torture: deps ## kill -9, power loss and random faults: thousands of each
	@$(MAKE) --no-print-directory all $(OUT)/starved $(OUT)/starvedlua $(SHIMS)
	@LUADL_TORTURE=1 LUADL_SEEDS=1000 $(MAKE) --no-print-directory -k -j2 -O $(TORTURE:%=torture/%)

torture/%:
	@echo "== $*"
	@sh .ci/spec $(OUT) $*

valgrind: all $(OUT)/download ## memcheck over a download, a cancel and an exit
	@sh .ci/deps valgrind
	@lua$(LUA) spec/support/valgrind.lua $(abspath $(OUT))

lint: ## luacheck, clang-format, cppcheck
	@luacheck -q $(LUA_FILES)
	@$(CLANG_FORMAT) --dry-run --Werror $(C_FILES)
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --error-exitcode=1 -Icore core

format:
	@$(CLANG_FORMAT) -i $(C_FILES)

api: ## the pages of the Lua interface, from its annotations: build/api/index.html
	@sh .ci/deps api
	@rm -rf $(BUILD)/api $(BUILD)/ldoc && mkdir -p $(BUILD)/ldoc
	@lua$(LUA) spec/support/apidoc.lua $(BUILD)/ldoc
	@ldoc -q -c .ldoc.lua -d $(BUILD)/api $(BUILD)/ldoc >/dev/null
	@echo "  pages    $(BUILD)/api/index.html"

bench: all ## speed beside curl and aria2, one run, ratios
	@sh .ci/deps bench
	@lua$(LUA) spec/bench/run.lua

differential: all ## what goes wrong with luadl, aria2, axel, wget2, wget, curl: the README's table
	@sh .ci/deps bench
	@lua$(LUA) spec/bench/differential.lua

LUA_SHARE = $(DESTDIR)$(PREFIX)/share/lua/$(LUA)
SHARE = $(DESTDIR)$(PREFIX)/share
TOLD = LUA_CPATH='$(abspath $(OUT))/?.so;;' lua$(LUA) scripts/luadl
LUA_LIB = $(DESTDIR)$(PREFIX)/lib/lua/$(LUA)

install: all ## to DESTDIR and PREFIX
	install -d $(LUA_SHARE) $(LUA_LIB)/luadl $(DESTDIR)$(PREFIX)/bin
	cd lua && find luadl -name '*.lua' -exec install -Dm644 {} $(abspath $(LUA_SHARE))/{} \;
	install -m755 $(MODULES) $(LUA_LIB)/luadl
	install -m755 scripts/luadl $(DESTDIR)$(PREFIX)/bin/luadl
	$(TOLD) man | install -Dm644 /dev/stdin $(SHARE)/man/man1/luadl.1
	$(TOLD) completion bash | install -Dm644 /dev/stdin $(SHARE)/bash-completion/completions/luadl
	$(TOLD) completion zsh | install -Dm644 /dev/stdin $(SHARE)/zsh/site-functions/_luadl
	$(TOLD) completion fish | install -Dm644 /dev/stdin $(SHARE)/fish/vendor_completions.d/luadl.fish

uninstall: ## what install put there
	rm -rf $(LUA_SHARE)/luadl $(LUA_LIB)/luadl $(DESTDIR)$(PREFIX)/bin/luadl $(SHARE)/man/man1/luadl.1
	rm -f $(SHARE)/bash-completion/completions/luadl $(SHARE)/zsh/site-functions/_luadl
	rm -f $(SHARE)/fish/vendor_completions.d/luadl.fish

clean: ## the build folder
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16
	@echo "  variables: PREFIX DESTDIR SAN=address|undefined|thread LUA=5.4 URL= SPEC=folder-or-file FUZZ=name"
