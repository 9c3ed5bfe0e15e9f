"""The addresses of the site."""

from __future__ import annotations

from django.urls import path
from django.views.i18n import JavaScriptCatalog

from demo_project.gallery import api, detail, direct, thumbnails, video, views

urlpatterns = [
    path("", views.GalleryView.as_view(), name="gallery"),
    path("documents/", views.DocumentsView.as_view(), name="documents"),
    path("upload/", direct.page, name="upload"),
    path("upload/start/", direct.start, name="upload-start"),
    path("upload/finish/", direct.finish, name="upload-finish"),
    path("how/", views.HowView.as_view(), name="how"),
    path("pictures/<int:pk>/", detail.PictureView.as_view(), name="picture"),
    path("documents/<int:pk>/", detail.DocumentView.as_view(), name="document"),
    path(
        "jsi18n/",
        JavaScriptCatalog.as_view(packages=["demo_project.gallery"]),
        name="javascript-catalog",
    ),
    path("api/", api.page, name="api"),
    path("api/files/", api.files, name="api-files"),
    path("thumbnails/", thumbnails.one_signature, name="thumbnails"),
    path("thumbnails/each/", thumbnails.one_for_each, name="thumbnails-each"),
    path("thumbnails/asked/", thumbnails.asked, name="thumbnails-asked"),
    path("video/", video.page, name="video"),
    path("video/answer/", video.answer, name="video-answer"),
    path("video/log/", video.log, name="video-log"),
    path("video/log-in/", video.log_in, name="video-log-in"),
    path("video/log-out/", video.log_out, name="video-log-out"),
    path("media/<path:name>", views.lasting_link, name="media"),
]
