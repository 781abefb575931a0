from __future__ import annotations

from django.urls import path

from channable.pages import setup

app_name = "setup"
urlpatterns = [
    path("order-connections/", setup.order_connections, name="order_connections"),
    path("order-connections/<int:pair_id>/", setup.order_connection, name="order_connection"),
    path("order-connections/<int:pair_id>/sync/", setup.sync_now, name="order_connection_sync"),
    path("order-connections/<int:pair_id>/switch/", setup.switch, name="order_connection_switch"),
    path("order-connections/<int:pair_id>/test/", setup.test_order, name="order_connection_test"),
    path("order-connections/<int:pair_id>/handle/", setup.handle_all, name="order_connection_handle"),
    path("connections/", setup.connections, name="connections"),
    path("runs/", setup.runs, name="runs"),
    path("runs/<int:run_id>/", setup.run, name="run"),
]
