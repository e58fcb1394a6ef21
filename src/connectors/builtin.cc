#include "connectors/builtin.h"

#include "connectors/file/file_connector.h"
#include "connectors/log/log_connector.h"
#include "connectors/memory/memory_connector.h"
#include "connectors/nop/nop_connector.h"
#include "connectors/simulator/simulator_connector.h"
#include "connectors/websocket/websocket_connector.h"

namespace haumea::connectors {

void RegisterBuiltinConnectors(connect::Registry& registry) {
    RegisterFile(registry);
    RegisterLog(registry);
    RegisterMemory(registry);
    RegisterNop(registry);
    RegisterSimulator(registry);
    RegisterWebSocket(registry);
}

}  // namespace haumea::connectors
