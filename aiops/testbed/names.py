"""Names and numbers that every part of the shop agrees on; recorded data depend on them."""

SERVICES = ("gateway", "catalog", "cart", "checkout", "payment", "inventory",
            "recommendation", "notifier")
GRPC = frozenset({"payment", "inventory"})
SERVERS = ("postgresql", "valkey")
DATABASE_USERS = frozenset({"catalog", "checkout", "payment", "inventory", "recommendation"})
CACHE_USERS = frozenset({"catalog", "cart", "recommendation", "notifier"})
EDGES = ("gateway->catalog", "gateway->cart", "gateway->checkout", "gateway->recommendation",
         "gateway->inventory", "cart->catalog", "checkout->cart", "checkout->notifier",
         "checkout->inventory", "checkout->payment")
SUSPECTS = (*SERVICES, *SERVERS, "host", *EDGES)  # whatever may be to blame
VERSION = "1.4.0"
# What telemetry says: real ports differ with every shop and would tell nothing.
PORTS = {"gateway": 8080, "catalog": 8081, "cart": 8082, "checkout": 8083,
         "recommendation": 8084, "notifier": 8085, "payment": 9090, "inventory": 9091,
         "postgresql": 5432, "valkey": 6379}
SECONDS = (.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5)  # histogram bounds
