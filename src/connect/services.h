#pragma once

#include <string>

#include "io/scheduler.h"
#include "template/template.h"

namespace haumea::io {
class BlockingPool;
}  // namespace haumea::io

namespace haumea::ws {
class ClientPool;
class Server;
}  // namespace haumea::ws

namespace haumea::connect {

class CacheFarewells;
class MemoryBus;
class SharedSources;

// What connectors share. Built once by the engine (or a test), outlives every source and sink. A connector
// that needs a part that is not there (null) refuses to be made, saying so. Home loop only, except for the
// texts, which are fixed.
class Services {
  public:
    explicit Services(io::Scheduler& loop) : scheduler(&loop) {}

    io::Scheduler* scheduler;
    ws::Server* data_server = nullptr;        // endpoints of the server role
    ws::ClientPool* client_pool = nullptr;    // connections of the client role
    MemoryBus* memory_bus = nullptr;          // topics of memory sources and sinks
    SharedSources* shared_sources = nullptr;  // running sources of SHARED streams
    // Relative file names are tried against the working directory, then against this one.
    std::string data_dir = "data";
    // Where caches do their reading and writing; one thread, so that calls keep their order. Null: in place,
    // at once (tests).
    io::BlockingPool* cache_disk = nullptr;
    // Caches that have ended and wait for a last confirmation. Null: none waits (tests).
    CacheFarewells* cache_farewells = nullptr;
    // What a template of an action may use for one message.
    text_template::Limits template_limits;
    // Key of `encryption: aes` as bytes (option basic.aesKey, decoded); empty when none is configured.
    std::string aes_key;
};

}  // namespace haumea::connect
