from __future__ import annotations

from django.urls import path

from orders import attachment_views, views

app_name = "orders"
urlpatterns = [
    path("", views.order_list, name="list"),
    path("unreadable/", views.unreadable, name="unreadable"),
    path("returns/", views.return_list, name="returns"),
    path("<int:order_id>/", views.order_detail, name="detail"),
    path("<int:order_id>/resend/", views.resend_order, name="resend"),
    path("<int:order_id>/manual/", views.take_manually, name="manual"),
    path("<int:order_id>/ship/", views.ship_order, name="ship"),
    path("<int:order_id>/cancel/", views.cancel_order, name="cancel"),
    path("<int:order_id>/link/", views.link_order_product, name="link"),
    path("<int:order_id>/report/", views.report_order_return, name="report"),
    path("<int:order_id>/test-return/", views.test_return, name="test_return"),
    path("<int:order_id>/returns/<int:return_id>/decide/", views.decide, name="decide"),
    path("<int:order_id>/returns/<int:return_id>/manual/", views.take_return_manually, name="return_manual"),
    path("<int:order_id>/returns/<int:return_id>/refund/", views.refund_return_again, name="refund_again"),
    path("<int:order_id>/attachments/", attachment_views.add_attachment, name="attach"),
    path("<int:order_id>/attachments/<int:attachment_id>/", attachment_views.open_attachment, name="attachment"),
    path("<int:order_id>/attachments/<int:attachment_id>/remove/", attachment_views.remove_attachment, name="detach"),
]
