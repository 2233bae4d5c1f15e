#include "registry/local_ip.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

namespace dsfailover {

std::string local_ip() {
    std::string ip = "127.0.0.1";
    ifaddrs* interfaces = nullptr;
    if (getifaddrs(&interfaces) != 0) return ip;
    for (const ifaddrs* interface = interfaces; interface != nullptr;
         interface = interface->ifa_next) {
        if (interface->ifa_addr == nullptr || interface->ifa_addr->sa_family != AF_INET) continue;
        if ((interface->ifa_flags & IFF_LOOPBACK) != 0 || (interface->ifa_flags & IFF_UP) == 0)
            continue;
        const auto* address = reinterpret_cast<const sockaddr_in*>(interface->ifa_addr);
        char text[INET_ADDRSTRLEN];
        if (inet_ntop(AF_INET, &address->sin_addr, text, sizeof text) == nullptr) continue;
        ip = text;
        break;
    }
    freeifaddrs(interfaces);
    return ip;
}

}  // namespace dsfailover
